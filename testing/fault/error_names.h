// Names for error codes that can be read back: "connection_reset" for those
// that a stream or resolver gives, "CATEGORY/VALUE" (as "system/28") for others
// of the categories that Asio uses.

#ifndef COFFER_TESTING_FAULT_ERROR_NAMES_H_
#define COFFER_TESTING_FAULT_ERROR_NAMES_H_

#include <boost/system/error_code.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace coffer_testing::internal {

std::string ErrorName(const boost::system::error_code& error);

// What ErrorName writes; InvalidArgument for the rest.
absl::StatusOr<boost::system::error_code> ErrorNamed(absl::string_view name);

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_FAULT_ERROR_NAMES_H_
