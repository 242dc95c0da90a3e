// What convolutions and poolings have in common: a window that moves over maps of height × width × channels, or over
// series of time × features, which are maps of height 1.
#pragma once

#include "kernels/maps/maps.hpp"
#include "layers/layer.hpp"

namespace multicapa {

class Window {
 public:
  // `size` is the option that has its extents. Without it, the window is the whole map.
  Window(const Spec& spec, Size axes, const char* size);

  // The vertical and horizontal axes, and the channels that come in, for samples of this shape.
  WindowShape over(const Shape& input) const;
  // Of what comes out of it.
  Shape output(const WindowShape& shape) const;

  // For windows that must see a part of the map wherever they stand.
  void forbid_empty_windows(const WindowShape& shape) const;

 private:
  std::vector<Size> numbers(const Spec& spec, const std::string& key, const std::vector<Size>& absent) const;
  void read_padding(const Spec& spec);
  WindowAxis axis(Size number, Size extent) const;
  [[noreturn]] void fail_to_fit(const WindowAxis& axis) const;

  const Spec spec_;
  const Size axes_;
  bool whole_ = false, same_ = false;
  std::vector<Size> sizes_, strides_, dilations_;
  std::vector<Size> padding_;  // two for each axis
};

}  // namespace multicapa
