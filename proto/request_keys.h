// RequestKeys: which tables and keys a request names, and whether it changes
// them: for whatever has to know that without knowing each command, as the
// order of a session's requests does.
//
// Stateless: any thread.

#ifndef COFFER_PROTO_REQUEST_KEYS_H_
#define COFFER_PROTO_REQUEST_KEYS_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "coffer/v1/kv.pb.h"

namespace coffer {

struct TouchedName {
  // Null: all tables that there are.
  const std::string* table = nullptr;
  // Null: all keys of the table.
  const std::string* key = nullptr;
  bool writes = false;
};

// Calls `visit` for each key and table that the request reads or writes, in its
// order, some perhaps more than once; those of a Transaction whether it will
// come to them or not. Topics are no tables. What is visited is the request's
// own.
void ForEachKey(const v1::CommandRequest& request,
                absl::FunctionRef<void(const TouchedName&)> visit);

// Whether it is to change what is stored: a Transaction, if any of its
// operations is.
bool WritesKeys(const v1::CommandRequest& request);

}  // namespace coffer

#endif  // COFFER_PROTO_REQUEST_KEYS_H_
