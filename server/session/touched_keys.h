// TouchedKeys: which keys the requests of a run touch, and whether a later
// request has to wait for them.
//
// Of keys it holds hashes: two that collide only make a request wait that need
// not. One thread.

#ifndef COFFER_SERVER_SESSION_TOUCHED_KEYS_H_
#define COFFER_SERVER_SESSION_TOUCHED_KEYS_H_

#include <cstdint>
#include <unordered_set>

#include "coffer/proto/request_keys.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::server {

class TouchedKeys {
 public:
  // `strict`: the request has no id, so it waits for all before it, and all
  // after it wait for it.
  void Add(const v1::CommandRequest& request, bool strict);
  void Clear();

  // Whether what is `later` has to wait for these.
  bool Block(const v1::CommandRequest& later, bool strict) const;
  bool Block(const TouchedKeys& later) const;

 private:
  bool Meets(const TouchedName& name) const;

  bool all_ = false;         // a strict request is among them
  bool ordered_ = false;     // one that waits for all before it
  bool all_tables_ = false;  // one that touches every key there is
  // Keys; tables of which any key is touched; tables touched as a whole.
  std::unordered_set<std::uint64_t> keys_;
  std::unordered_set<std::uint64_t> tables_;
  std::unordered_set<std::uint64_t> whole_tables_;
};

// Publishes, or changes who is subscribed to what: it takes effect after all
// the requests before it.
bool IsOrdered(const v1::CommandRequest& request);

}  // namespace coffer::server

#endif  // COFFER_SERVER_SESSION_TOUCHED_KEYS_H_
