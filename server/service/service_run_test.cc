#include "coffer/server/service/service_run.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "coffer/server/service/command.h"
#include "coffer/server/service/service_tester.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

TEST(ServiceRun, RequestsAreThereInOrder) {
  ServiceRun run;
  EXPECT_TRUE(run.empty());
  run.AddRequest() = Request("hget { key: 'a' }");
  run.AddRequest() = Request("hget { key: 'b' }");
  ASSERT_EQ(run.size(), 2u);
  EXPECT_EQ(run.request(0).hget().key(), "a");
  EXPECT_EQ(run.request(1).hget().key(), "b");
}

TEST(ServiceRun, DroppedRequestLeavesNothingToTheNext) {
  ServiceRun run;
  run.AddRequest() = Request("hget { key: 'a' } request_id: 7");
  run.DropLast();
  EXPECT_TRUE(run.empty());
  EXPECT_EQ(run.AddRequest().ByteSizeLong(), 0u);
}

TEST(ServiceRun, ClearedRequestsLeaveNothingToTheNext) {
  ServiceRun run;
  for (int round = 0; round < 3; ++round) {
    run.Clear();
    EXPECT_TRUE(run.empty());
    for (int i = 0; i < 2000; ++i) {
      v1::CommandRequest& request = run.AddRequest();
      ASSERT_EQ(request.ByteSizeLong(), 0u);
      request = Request("hset { table: 't' pair { key: 'k' } } request_id: 1");
    }
  }
}

TEST(ServiceRun, TableReadFillsIt) {
  ServiceRun run;
  run.AddRequest() = Request("hget { key: 'a' }");
  EXPECT_FALSE(run.full());
  run.AddRequest() = Request("hgetall { table: 't' }");
  EXPECT_TRUE(run.full());
  run.DropLast();
  EXPECT_FALSE(run.full());
  run.AddRequest() = Request("hgetall { table: 't' }");
  EXPECT_TRUE(run.full());
  run.Clear();
  EXPECT_FALSE(run.full());
}

TEST(ServiceRun, PagesFillIt) {
  for (const char* page : {"scan { table: 't' }", "list_tables { }"}) {
    ServiceRun run;
    run.AddRequest() = Request(page);
    EXPECT_TRUE(run.full()) << page;
  }
  ServiceRun run;
  run.AddRequest() = Request("count_keys { table: 't' }");
  EXPECT_FALSE(run.full());
}

TEST(ServiceRun, ManyKeysFillIt) {
  ServiceRun run;
  int requests = 0;
  while (!run.full() && requests < 100) {
    v1::CommandRequest& request = run.AddRequest();
    for (int i = 0; i < 1000; ++i) request.mutable_hmget()->add_keys("k");
    ++requests;
  }
  EXPECT_EQ(requests, 17);
  run.Clear();
  v1::Transaction& transaction = *run.AddRequest().mutable_transaction();
  for (int i = 0; i < 20; ++i) {
    v1::Read& read = *transaction.add_then()->mutable_read();
    for (int k = 0; k < 1000; ++k) read.add_keys("k");
  }
  EXPECT_TRUE(run.full());
}

}  // namespace
}  // namespace coffer::server
