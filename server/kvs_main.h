// KvsMain: the program kvs, for a main that has more to say of where it runs.
//
// Prints one line `listening on ADDRESS:PORT` for each address it listens on to
// standard output once it is ready, logs to standard error. SIGTERM and SIGINT:
// stops accepting, finishes what is in flight within --drain_timeout, exits
// with 0; a second one: exits at once. Exit codes: 1 for a malformed command
// line, 2 when the server cannot start.

#ifndef COFFER_SERVER_KVS_MAIN_H_
#define COFFER_SERVER_KVS_MAIN_H_

#include <memory>

#include "rocksdb/file_system.h"

namespace coffer::server {

// The exit code. `file_system`: what a durable engine is to use in the place of
// the machine's; null: that. Throws nothing.
int KvsMain(int argc, char** argv,
            std::shared_ptr<rocksdb::FileSystem> file_system = nullptr);

}  // namespace coffer::server

#endif  // COFFER_SERVER_KVS_MAIN_H_
