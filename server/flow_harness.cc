#include "coffer/server/flow_harness.h"

namespace coffer::server {

template class FlowHarness<kPlain>;
template class FlowHarness<kTls>;

}  // namespace coffer::server
