// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/store/rows.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <sstream>

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

namespace skylark::bench {
namespace {

[[noreturn]] void give_up(std::string_view why) {
  fmt::print(stderr, "skylark_bench_store: {}\n", why);
  std::exit(1);
}

std::string encode(const Rows& rows) {
  std::string text;
  for (const Row& row : rows) {
    text += row.name + '\t' + row.setting;
    for (const auto& [name, value] : row.figures) text += fmt::format("\t{}={}", name, value);
    text += '\n';
  }
  return text;
}

Rows decode(const std::string& text) {
  Rows rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    Row row;
    std::getline(fields, row.name, '\t');
    std::getline(fields, row.setting, '\t');
    for (std::string figure; std::getline(fields, figure, '\t');) {
      const std::size_t equals = figure.find('=');
      row.figures.emplace_back(figure.substr(0, equals), std::strtod(figure.c_str() + equals + 1, nullptr));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

/// Runs `part` and leaves without the destructors of the parent's objects.
[[noreturn]] void run_and_leave(const std::function<void()>& part) {
  int code = 0;
  try {
    part();
  } catch (const std::exception& failure) {
    fmt::print(stderr, "skylark_bench_store: {}\n", failure.what());
    code = 1;
  }
  std::fflush(nullptr);
  ::_exit(code);
}

/// Enough digits to compare: 3 behind the point below 10, none above 1000.
std::string shown(double value) {
  if (value == static_cast<double>(static_cast<long long>(value))) return fmt::format("{}", static_cast<long long>(value));
  if (value < 10) return fmt::format("{:.3f}", value);
  return value < 1000 ? fmt::format("{:.1f}", value) : fmt::format("{:.0f}", value);
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + '"';
}

}  // namespace

double Row::at(std::string_view figure) const {
  for (const auto& [key, value] : figures) {
    if (key == figure) return value;
  }
  return 0;
}

Rows in_child(const std::function<Rows()>& part) {
  int ends[2];
  if (::pipe(ends) != 0) give_up("no pipe");
  std::fflush(nullptr);  // What is buffered would be written twice.
  const pid_t child = ::fork();
  if (child < 0) give_up("no process");
  if (child == 0) {
    ::close(ends[0]);
    run_and_leave([&] {
      const std::string text = encode(part());
      for (std::size_t done = 0; done < text.size();) {
        const ssize_t written = ::write(ends[1], text.data() + done, text.size() - done);
        if (written < 0) throw std::runtime_error("the report was not taken");
        done += static_cast<std::size_t>(written);
      }
    });
  }
  ::close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof buffer)) != 0;) {
    if (got > 0) text.append(buffer, static_cast<std::size_t>(got));
    if (got < 0 && errno != EINTR) break;
  }
  ::close(ends[0]);
  if (const int status = wait_for(child); !WIFEXITED(status) || WEXITSTATUS(status) != 0) give_up("a part failed");
  return decode(text);
}

void in_crashing_child(const std::function<void()>& part) {
  std::fflush(nullptr);  // What is buffered would be written twice.
  const pid_t child = ::fork();
  if (child < 0) give_up("no process");
  if (child == 0) run_and_leave(part);
  if (const int status = wait_for(child); !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) give_up("a part did not crash as planned");
}

void die() {
  (void)::kill(::getpid(), SIGKILL);
  for (;;) ::pause();
}

std::string to_table(const Rows& rows) {
  std::string out;
  std::string title;
  for (const Row& row : rows) {
    std::string names;
    for (const auto& figure : row.figures) names += fmt::format(" {:>20}", figure.first);
    const std::string wanted = fmt::format("{:<30}{}\n", row.name, names);
    if (wanted != title) out += (title.empty() ? "" : "\n") + wanted;
    title = wanted;
    out += fmt::format("  {:<28}", row.setting);
    for (const auto& figure : row.figures) out += fmt::format(" {:>20}", shown(figure.second));
    out += '\n';
  }
  return out;
}

std::string to_json(const Rows& rows, std::string_view machine) {
  std::string out = fmt::format("{{\n  \"machine\": {},\n  \"rows\": [", quoted(machine));
  const char* comma = "";
  for (const Row& row : rows) {
    out += fmt::format("{}\n    {{\"name\": {}, \"setting\": {}", comma, quoted(row.name), quoted(row.setting));
    for (const auto& [name, value] : row.figures) out += fmt::format(", {}: {}", quoted(name), value);
    out += '}';
    comma = ",";
  }
  return out + "\n  ]\n}\n";
}

}  // namespace skylark::bench
