#include "coffer/proto/request_keys.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "coffer/v1/kv.pb.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

v1::CommandRequest Request(const std::string& text) {
  v1::CommandRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request))
      << text;
  return request;
}

// "r t/k w u/*": what is visited.
std::string Touched(const v1::CommandRequest& request) {
  std::string touched;
  ForEachKey(request, [&](const TouchedName& name) {
    absl::StrAppend(&touched, touched.empty() ? "" : " ",
                    name.writes ? "w " : "r ",
                    name.table == nullptr ? "*" : *name.table, "/",
                    name.key == nullptr ? "*" : *name.key);
  });
  return touched;
}

constexpr char kTransaction[] =
    "transaction { compares { table: 'a' key: '1' version: 0 } "
    "then { put { table: 'b' key: '2' } } "
    "then { read { table: 'c' keys: ['3', '4'] } } then { } "
    "otherwise { remove { table: 'd' key: '5' } } "
    "otherwise { increment { table: 'e' key: '6' } } "
    "otherwise { append { table: 'f' key: '7' } } "
    "otherwise { expire { table: 'g' key: '8' } } }";

TEST(ForEachKey, NamesWhatEachCommandTouches) {
  const struct {
    const char* request;
    const char* touched;
  } kCases[] = {
      {"", ""},
      {"hget { table: 't' key: 'k' }", "r t/k"},
      {"hgetall { table: 't' }", "r t/*"},
      {"hmget { table: 't' keys: ['a', 'b'] }", "r t/a r t/b"},
      {"hset { table: 't' pair { key: 'k' } }", "w t/k"},
      {"hmset { table: 't' pairs { key: 'a' } pairs { key: 'b' } }",
       "w t/a w t/b"},
      {"hdel { table: 't' key: 'k' }", "w t/k"},
      {"hmdel { table: 't' keys: ['a', 'b'] }", "w t/a w t/b"},
      {"hexist { table: 't' key: 'k' }", "r t/k"},
      {"hmexist { table: 't' keys: ['a', 'b'] }", "r t/a r t/b"},
      {"publish { topic: 't' }", ""},
      {"list_tables { prefix: 't' }", "r */*"},
      {"count_keys { table: 't' }", "r t/*"},
      {"drop_table { table: 't' }", "w t/*"},
      {"rename_table { table: 't' new_name: 'u' }", "w t/* w u/*"},
      {"scan { table: 't' }", "r t/*"},
      {"read { table: 't' keys: ['a', 'b'] }", "r t/a r t/b"},
      {"put { table: 't' key: 'k' }", "w t/k"},
      {"remove { table: 't' key: 'k' }", "w t/k"},
      {"increment { table: 't' key: 'k' }", "w t/k"},
      {"append { table: 't' key: 'k' }", "w t/k"},
      {"expire { table: 't' key: 'k' }", "w t/k"},
      {kTransaction, "r a/1 w b/2 r c/3 r c/4 w d/5 w e/6 w f/7 w g/8"},
      {"open_watch { table: 't' key: 'k' }", "r t/k"},
      {"open_watch { table: 't' prefix: 'k' }", "r t/*"},
  };
  for (const auto& test : kCases) {
    EXPECT_EQ(Touched(Request(test.request)), test.touched) << test.request;
  }
}

// A command with a table that is added without being visited would be executed
// out of its order.
TEST(ForEachKey, VisitsTheTableOfEveryCommandThatHasOne) {
  const auto* oneof =
      v1::CommandRequest::descriptor()->FindOneofByName("request_data");
  for (int i = 0; i < oneof->field_count(); ++i) {
    v1::CommandRequest request;
    auto* command =
        request.GetReflection()->MutableMessage(&request, oneof->field(i));
    const auto* type = command->GetDescriptor();
    const auto* table = type->FindFieldByName("table");
    if (table == nullptr) continue;
    command->GetReflection()->SetString(command, table, "its table");
    for (const char* list : {"keys", "pairs"}) {
      const auto* field = type->FindFieldByName(list);
      if (field == nullptr || !field->is_repeated()) continue;
      if (field->type() == google::protobuf::FieldDescriptor::TYPE_STRING) {
        command->GetReflection()->AddString(command, field, "k");
      } else {
        command->GetReflection()->AddMessage(command, field);
      }
    }
    EXPECT_NE(Touched(request).find("its table"), std::string::npos)
        << oneof->field(i)->name();
  }
}

TEST(WritesKeys, AreThoseThatAreVisitedAsWrites) {
  for (const char* write :
       {"hset { pair {} }", "hmset { pairs {} }", "hdel {}",
        "hmdel { keys: '' }", "drop_table {}", "rename_table {}", "put {}",
        "remove {}", "increment {}", "append {}", "expire {}", kTransaction,
        "transaction { otherwise { put {} } then { read {} } }"}) {
    EXPECT_TRUE(WritesKeys(Request(write))) << write;
    EXPECT_NE(Touched(Request(write)).find("w "), std::string::npos) << write;
  }
  for (const char* other :
       {"", "hget {}", "hgetall {}", "hmget { keys: '' }", "hexist {}",
        "hmexist { keys: '' }", "list_tables {}", "count_keys {}", "scan {}",
        "read { keys: '' }", "transaction {}", "open_watch {}",
        "transaction { compares {} then { read {} } otherwise { } }",
        "publish {}", "subscribe {}", "ping {}", "hello {}"}) {
    EXPECT_FALSE(WritesKeys(Request(other))) << other;
    EXPECT_EQ(Touched(Request(other)).find("w "), std::string::npos) << other;
  }
}

}  // namespace
}  // namespace coffer
