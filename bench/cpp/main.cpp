// The benchmark of the core: kernels and whole training steps, each checked before it is timed.

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "base/team.hpp"
#include "kernels/products/matmul.hpp"
#include "report.hpp"

namespace multicapa::bench {
namespace {

constexpr const char* usage =
    "usage: multicapa_bench [--filter SUBSTRING] [--json FILE] [--threads N] [--seconds S] [--list]\n"
    "  --filter   only the cases whose name contains SUBSTRING\n"
    "  --json     write the results to FILE as well\n"
    "  --threads  how many all threads are; without it, what the machine and the environment allow\n"
    "  --seconds  how long to measure each case; 0.5 without it\n"
    "  --list     print the names of the cases and leave\n";

struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Settings {
  std::string filter;
  std::string json;
  int threads = max_threads();
  double seconds = 0.5;
  bool list = false;
};

double positive_number(const std::string& option, const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || *end || !(number > 0) || !std::isfinite(number))
    throw UsageError(option + " takes a positive number, not \"" + text + "\"");
  return number;
}

int positive_integer(const std::string& option, const std::string& text) {
  const double number = positive_number(option, text);
  if (number != std::floor(number) || number > 4096)
    throw UsageError(option + " takes an integer from 1 to 4096, not \"" + text + "\"");
  return static_cast<int>(number);
}

Settings parse(const std::vector<std::string>& arguments) {
  Settings settings;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& option = arguments[i];
    const auto value = [&] {
      if (i + 1 == arguments.size()) throw UsageError(option + " wants a value");
      return arguments[++i];
    };
    if (option == "--filter") settings.filter = value();
    else if (option == "--json") settings.json = value();
    else if (option == "--threads") settings.threads = positive_integer("--threads", value());
    else if (option == "--seconds") settings.seconds = positive_number("--seconds", value());
    else if (option == "--list") settings.list = true;
    else throw UsageError("there is no option " + option);
  }
  return settings;
}

Cases chosen_cases(const Settings& settings) {
  Cases all, chosen;
  add_peak_cases(all);
  add_gemm_cases(all);
  add_kernel_cases(all);
  add_step_cases(all, settings.threads);
  for (Case& each : all)
    if (each.name.find(settings.filter) != std::string::npos) chosen.push_back(std::move(each));
  if (chosen.empty()) throw UsageError("no case has \"" + settings.filter + "\" in its name; --list shows them");
  return chosen;
}

// A case that fails is reported, and the others still run. Returns how many failed.
int run_cases(const Cases& cases, double seconds, std::vector<NamedRecord>& rows) {
  int failures = 0;
  for (const Case& each : cases) {
    try {
      rows.push_back({each.name, each.run(seconds)});
      print_row(rows.back());
    } catch (const std::exception& error) {
      std::fprintf(stderr, "FAILED %s: %s\n", each.name.c_str(), error.what());
      ++failures;
    }
  }
  return failures;
}

int run(const Settings& settings) {
  const Cases cases = chosen_cases(settings);
  if (settings.list) {
    for (const Case& each : cases) std::puts(each.name.c_str());
    return EXIT_SUCCESS;
  }
  hold_blas_at_one_thread();
  const Machine machine = describe_machine(settings.threads);
  print_heading(machine);
  std::vector<NamedRecord> rows;
  const int failures = run_cases(cases, settings.seconds, rows);
  if (!settings.json.empty()) write_json(settings.json, machine, settings.seconds, rows);
  if (failures) std::fprintf(stderr, "%d of %zu cases failed\n", failures, cases.size());
  return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

}  // namespace
}  // namespace multicapa::bench

int main(int argc, char** argv) {
  using namespace multicapa::bench;
  try {
    return run(parse({argv + 1, argv + argc}));
  } catch (const UsageError& error) {
    std::fprintf(stderr, "%s\n%s", error.what(), usage);
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return EXIT_FAILURE;
  }
}
