#include "coffer/tools/cli/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "coffer/sdk/internal/assert.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

// How the standard streams are set up is up to `redirect`.
pid_t Spawn(const std::vector<std::string>& command,
            const std::function<void(posix_spawn_file_actions_t*)>& redirect) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  redirect(&actions);
  std::vector<char*> argv;
  for (const std::string& word : command) {
    argv.push_back(const_cast<char*>(word.c_str()));
  }
  argv.push_back(nullptr);
  pid_t pid = -1;
  const int error = posix_spawn(&pid, command[0].c_str(), &actions, nullptr,
                                argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  EXPECT_EQ(error, 0) << command[0];
  COFFER_ASSERT(error == 0);
  return pid;
}

int ExitCodeOf(pid_t pid) {
  int status = 0;
  COFFER_ASSERT(waitpid(pid, &status, 0) == pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// A path of its own for each call.
std::string NewPath(const char* what) {
  static int count = 0;
  return absl::StrCat(testing::TempDir(), "/", what, getpid(), "_", count++);
}

std::string TakeFile(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  unlink(path.c_str());
  return text.str();
}

}  // namespace

Finished RunProcessOn(const std::vector<std::string>& command,
                      const std::string& input_path) {
  // Files, not pipes: nobody has to read while the program writes.
  const std::string out = NewPath("out");
  const std::string err = NewPath("err");
  const pid_t pid = Spawn(command, [&](posix_spawn_file_actions_t* actions) {
    constexpr int kWrite = O_WRONLY | O_CREAT | O_TRUNC;
    posix_spawn_file_actions_addopen(actions, STDIN_FILENO, input_path.c_str(),
                                     O_RDONLY, 0);
    posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, out.c_str(),
                                     kWrite, 0600);
    posix_spawn_file_actions_addopen(actions, STDERR_FILENO, err.c_str(),
                                     kWrite, 0600);
  });
  const int exit_code = ExitCodeOf(pid);
  return {exit_code, TakeFile(out), TakeFile(err)};
}

Finished RunProcess(const std::vector<std::string>& command,
                    const std::string& input) {
  const std::string path = NewPath("in");
  std::ofstream(path, std::ios::binary) << input;
  Finished finished = RunProcessOn(command, path);
  unlink(path.c_str());
  return finished;
}

ChildProcess::ChildProcess(const std::vector<std::string>& command) {
  // A socket for input, as writing to one need not raise SIGPIPE.
  int in[2];
  int out[2];
  COFFER_ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) == 0);
  COFFER_ASSERT(pipe2(out, O_CLOEXEC) == 0);
  pid_ = Spawn(command, [&](posix_spawn_file_actions_t* actions) {
    posix_spawn_file_actions_adddup2(actions, in[1], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(actions, out[1], STDOUT_FILENO);
  });
  close(in[1]);
  close(out[1]);
  input_ = in[0];
  output_ = out[0];
}

ChildProcess::~ChildProcess() {
  if (pid_ > 0) {
    Signal(SIGKILL);
    Wait();
  }
  CloseInput();
  close(output_);
}

std::string ChildProcess::ReadLine() {
  std::string line;
  char c;
  while (read(output_, &c, 1) == 1 && c != '\n') line.push_back(c);
  return line;
}

void ChildProcess::Write(const std::string& text) {
  const auto bytes = send(input_, text.data(), text.size(), MSG_NOSIGNAL);
  EXPECT_EQ(bytes, static_cast<ssize_t>(text.size()));
}

void ChildProcess::CloseInput() {
  if (input_ >= 0) close(input_);
  input_ = -1;
}

void ChildProcess::Signal(int signal) {
  COFFER_ASSERT(pid_ > 0);
  kill(pid_, signal);
}

int ChildProcess::Wait() {
  COFFER_ASSERT(pid_ > 0);
  const int exit_code = ExitCodeOf(pid_);
  pid_ = -1;
  return exit_code;
}

}  // namespace coffer_testing
