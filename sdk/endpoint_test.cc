#include "coffer/sdk/endpoint.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

using ::testing::HasSubstr;

TEST(Endpoint, TextFormsRoundTrip) {
  for (const char* text : {"localhost:9527", "127.0.0.1:0", "[::1]:65535"}) {
    auto endpoint = ParseEndpoint(text);
    ASSERT_TRUE(endpoint.ok()) << endpoint.status();
    EXPECT_EQ(ToString(*endpoint), text);
  }
}

TEST(Endpoint, PortMayBeLeftOut) {
  EXPECT_EQ(ParseEndpoint("example.org")->port, kDefaultPort);
  EXPECT_EQ(ParseEndpoint("[::1]")->port, kDefaultPort);
  EXPECT_EQ(ParseEndpoint("[::1]")->host, "::1");
}

TEST(Endpoint, MalformedTextSaysWhy) {
  const struct {
    const char* text;
    const char* why;
  } cases[] = {{"", "no host"},
               {":80", "no host"},
               {"host:", "not a number"},
               {"host:x", "not a number"},
               {"host:-1", "not a number"},
               {"host:65536", "0 to 65535"},
               {"::1:80", "needs brackets"},
               {"[::1", "no ]"},
               {"[::1]80", "after ]"}};
  for (const auto& c : cases) {
    auto endpoint = ParseEndpoint(c.text);
    ASSERT_FALSE(endpoint.ok()) << c.text;
    EXPECT_THAT(std::string(endpoint.status().message()), HasSubstr(c.why));
    EXPECT_THAT(std::string(endpoint.status().message()), HasSubstr(c.text));
  }
}

}  // namespace
}  // namespace coffer
