// kvs: Coffer's server (kvs_main.h).

#include "coffer/server/kvs_main.h"

int main(int argc, char** argv) { return coffer::server::KvsMain(argc, argv); }
