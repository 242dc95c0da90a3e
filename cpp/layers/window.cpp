#include "layers/window.hpp"

#include <algorithm>

namespace multicapa {
namespace {

constexpr Size largest = Size{1} << 31;  // of an option, so that products of a few of them are numbers still

}  // namespace

Window::Window(const Spec& spec, Size axes, const char* size)
    : spec_(spec), axes_(axes), padding_(static_cast<std::size_t>(2 * axes), 0) {
  const std::vector<Size> ones(static_cast<std::size_t>(axes), 1);
  whole_ = size == nullptr;
  if (whole_) return;
  sizes_ = numbers(spec, size, {});
  const bool pools = std::string(size) == "pool_size";
  strides_ = numbers(spec, "strides", pools ? sizes_ : ones);
  dilations_ = pools ? ones : numbers(spec, "dilation", ones);
  read_padding(spec);
}

// One number of a series, a pair of a map; each at least 1.
std::vector<Size> Window::numbers(const Spec& spec, const std::string& key, const std::vector<Size>& absent) const {
  if (!spec.options.count(key) && !absent.empty()) return absent;
  const std::vector<Size> given = axes_ == 1 ? std::vector<Size>{spec.integer(key)} : spec.shape(key);
  if (static_cast<Size>(given.size()) != axes_) spec.fail(key + " should be a pair, not " + to_string(given));
  for (const Size number : given)
    if (number < 1 || number > largest) spec.fail(key + " should be positive, not " + to_string(given));
  return given;
}

void Window::read_padding(const Spec& spec) {
  const auto found = spec.options.find("padding");
  if (found == spec.options.end()) return;
  if (!std::holds_alternative<std::string>(found->second)) {
    padding_ = spec.shape("padding");
    if (static_cast<Size>(padding_.size()) != 2 * axes_)
      spec.fail("padding should have " + std::to_string(2 * axes_) + " numbers, not " + to_string(padding_));
    for (const Size zeros : padding_)
      if (zeros < 0 || zeros > largest) spec.fail("padding should not be negative, not " + to_string(padding_));
    return;
  }
  const std::string name = spec.text("padding");
  if (name != "valid" && name != "same")
    spec.fail("padding should be \"valid\", \"same\" or numbers of zeros, not \"" + name + "\"");
  same_ = name == "same";
}

WindowShape Window::over(const Shape& input) const {
  Shape map = input;
  if (static_cast<Size>(map.size()) == axes_) map.push_back(1);  // one channel
  if (static_cast<Size>(map.size()) != axes_ + 1)
    spec_.fail(axes_ == 1
                   ? "takes series of shape (time, features) or (time,), not samples of shape " + to_string(input) +
                         "; put a Reshape before it"
                   : "takes images of shape (height, width, channels) or (height, width), not samples of shape " +
                         to_string(input) + "; put a Reshape before it");
  WindowShape shape{{1, 1, 1, 1, 1, 0}, {}, map.back(), map.back(), 1};
  if (axes_ == 2) shape.vertical = axis(0, map[0]);
  shape.horizontal = axis(axes_ - 1, at(map, axes_ - 1));
  return shape;
}

WindowAxis Window::axis(Size number, Size extent) const {
  if (whole_) return {extent, 1, extent, extent, 1, 0};
  WindowAxis axis{extent, 0, at(sizes_, number), at(strides_, number), at(dilations_, number), 0};
  const Size span = (axis.taps - 1) * axis.dilation + 1;
  Size zeros = at(padding_, 2 * number) + at(padding_, 2 * number + 1);
  axis.before = at(padding_, 2 * number);
  if (same_) {
    axis.out = (extent + axis.stride - 1) / axis.stride;
    zeros = std::max<Size>((axis.out - 1) * axis.stride + span - extent, 0);
    axis.before = zeros / 2;
  }
  if (extent + zeros < span) fail_to_fit(axis);
  axis.out = (extent + zeros - span) / axis.stride + 1;
  return axis;
}

void Window::fail_to_fit(const WindowAxis& axis) const {
  spec_.fail("its window of " + std::to_string((axis.taps - 1) * axis.dilation + 1) + " does not fit an extent of " +
             std::to_string(axis.in) + "; make it smaller or write padding=\"same\"");
}

Shape Window::output(const WindowShape& shape) const {
  if (whole_) return {shape.filters};
  if (axes_ == 1) return {shape.horizontal.out, shape.filters};
  return {shape.vertical.out, shape.horizontal.out, shape.filters};
}

void Window::forbid_empty_windows(const WindowShape& shape) const {
  for (const WindowAxis& axis : {shape.vertical, shape.horizontal}) {
    const Size last = (axis.out - 1) * axis.stride - axis.before;
    if (axis.before >= axis.taps || last >= axis.in)
      spec_.fail("its window of " + std::to_string(axis.taps) +
                 " would see nothing but padding at the border; padding should be smaller than it");
  }
}

}  // namespace multicapa
