// When a stream double moves the bytes of an operation. Code that is right
// works with both; run the tests of code that manages buffers with each.

#ifndef COFFER_TESTING_TRANSFER_MODE_H_
#define COFFER_TESTING_TRANSFER_MODE_H_

namespace coffer_testing {

enum class TransferMode {
  // In the moment before the handler is invoked, for reads and writes alike, as
  // io_uring does. A buffer freed or changed while the operation is pending
  // shows as a sanitizer's report or a wrong byte. Cancelling wins until then.
  kLate,
  // As soon as possible, in the initiating function itself if there are bytes
  // or room. Shows a read buffer that is used again too soon, and cancels that
  // come too late: the operation completes with what it has moved.
  kEarly,
};

}  // namespace coffer_testing

#endif  // COFFER_TESTING_TRANSFER_MODE_H_
