// Repeated --name flags. The flag library lets a repeated flag replace the one
// before; here all of them count.

#ifndef COFFER_TOOLS_CERTS_NAME_FLAGS_H_
#define COFFER_TOOLS_CERTS_NAME_FLAGS_H_

#include <string>
#include <vector>

namespace coffer::internal {

// The arguments of a program, its own name first, with all --name flags made
// into one that has commas between their values. Takes each form that the flag
// library does: --name=X, --name X, and both with one dash. What follows "--"
// is left alone.
std::vector<std::string> JoinNameFlags(
    const std::vector<std::string>& arguments);

}  // namespace coffer::internal

#endif  // COFFER_TOOLS_CERTS_NAME_FLAGS_H_
