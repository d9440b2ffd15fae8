#include "coffer/testing/encode_frames.h"

#include "coffer/v1/kv.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

TEST(EncodeFrames, OneFrameAMessageInOrder) {
  coffer::v1::CommandResponse ok;
  ok.set_status(200);
  EXPECT_EQ(EncodeFrames(ok, coffer::v1::CommandResponse(), ok),
            std::string("\0\0\0\3\x08\xc8\1\0\0\0\0\0\0\0\3\x08\xc8\1", 18));
  EXPECT_EQ(EncodeFrames(), "");
}

}  // namespace
}  // namespace coffer_testing
