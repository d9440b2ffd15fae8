// kvs on a disk that loses what is not synced when it is killed.

#include <memory>

#include "coffer/server/kvs_main.h"
#include "coffer/tools/crash/lossy_logs.h"

int main(int argc, char** argv) {
  return coffer::server::KvsMain(argc, argv,
                                 std::make_shared<coffer::crash::LossyLogs>());
}
