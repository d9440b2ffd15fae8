// Runs programs for end-to-end tests, with real standard streams.

#ifndef COFFER_TOOLS_CLI_CHILD_PROCESS_H_
#define COFFER_TOOLS_CLI_CHILD_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <vector>

namespace coffer_testing {

struct Finished {
  int exit_code;  // -1: it was ended by a signal
  std::string out;
  std::string err;
};

// Runs `command` (a path and its arguments) to its end. `input` is what it
// reads from standard input.
Finished RunProcess(const std::vector<std::string>& command,
                    const std::string& input = "");

// The same, with a file or folder as standard input.
Finished RunProcessOn(const std::vector<std::string>& command,
                      const std::string& input_path);

// A program that runs beside the test, which writes to its standard input and
// reads its standard output line by line. Standard error goes to the test's.
class ChildProcess {
 public:
  explicit ChildProcess(const std::vector<std::string>& command);
  // Kills it if it still runs.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Waits for a line of output; without its end. Empty once there is no more.
  std::string ReadLine();
  void Write(const std::string& text);
  void CloseInput();

  void Signal(int signal);
  // Waits for its end. The exit code, -1 if a signal ended it.
  int Wait();

  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
};

}  // namespace coffer_testing

#endif  // COFFER_TOOLS_CLI_CHILD_PROCESS_H_
