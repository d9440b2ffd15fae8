// LogRequests: hooks that log each request and the status of its answer at
// debug level, with a field each for command, table, key or number of keys;
// never a value.

#ifndef COFFER_SERVER_REQUEST_LOG_H_
#define COFFER_SERVER_REQUEST_LOG_H_

#include <vector>

#include "coffer/server/log.h"
#include "coffer/server/service/service.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::server {

// Before the service's first request.
void LogRequests(Service* service);

// The fields of its line: command=hget table=users key=ada. Names are cut to
// what the logger shows.
std::vector<LogField> DescribeRequest(const v1::CommandRequest& request);

}  // namespace coffer::server

#endif  // COFFER_SERVER_REQUEST_LOG_H_
