// x W + b and its gradients: what Dense and Maxout share. W is (in, units).
#pragma once

#include "base/prefetch.hpp"
#include "kernels/products/matmul.hpp"
#include "layers/layer.hpp"

namespace multicapa {

template <class T> class Affine {
 public:
  enum Parameter : Size { weight, bias };

  Affine(Size units, bool has_bias) : units_(units), has_bias_(has_bias) {}

  // Fills in everything of the plan but the output's shape, for the last axis of samples of so many axes. fan_out
  // counts the units as the next layer sees them.
  void plan(LayerPlan& plan, const Spec& spec, const std::vector<Shape>& inputs, Size fan_out,
            std::size_t most_axes = 1) {
    if (inputs.size() != 1) spec.fail("takes one input, not " + std::to_string(inputs.size()));
    if (inputs[0].size() > most_axes)
      spec.fail("takes flat samples, not samples of shape " + to_string(inputs[0]) + "; put a Flatten before it");
    in_ = inputs[0].back();
    if (in_ > most_units || units_ > most_units)
      spec.fail("a matrix of " + to_string({in_, units_}) + " has more rows or columns than can be counted in 32 bits");
    elements({in_, units_});  // more numbers than any memory are told before they are multiplied
    plan.parameters.push_back({"weight", {in_, units_}, in_, fan_out, true});
    if (has_bias_) plan.parameters.push_back({"bias", {units_}, in_, fan_out, false});
    plan.derived = plans_transpose(in_, units_) ? in_ * units_ : 0;
    plan.scratch = backward_scratch(in_, units_);
    plan.scratch_per_column = units_;
    plan.work_per_row = static_cast<double>(elements(inputs[0])) * static_cast<double>(units_);
    plan.whole_batch_gradient = true;
  }

  void forward(const Call<T>& call, Matrix<T> z) const { forward(call, call.inputs[0], z); }

  void forward(const Call<T>& call, Matrix<const T> x, Matrix<T> z) const {
    const T* b = has_bias_ ? call.parameters + bias_offset() : nullptr;
    if (call.arrangement == Arrangement::samples_as_rows)
      return multiply_forward<T>(*call.kernels, x, weights(call), b, z);
    fetch(call.next_parameters);
    multiply_forward_columns<T>(*call.kernels, x, weights(call), b, z);
  }

  // Samples as rows, each of which sums up in the same order however many there are: a step of a stream is to give what
  // the whole sequence gives.
  void forward_in_order(const Call<T>& call, Matrix<const T> x, Matrix<T> z) const {
    const T* b = has_bias_ ? call.parameters + bias_offset() : nullptr;
    if (units_ == 1) return call.kernels->matrix_vector(x, call.parameters, b ? *b : T(0), z.data, z.stride);
    call.kernels->gemm({x.rows, units_, in_}, x.data, x.stride, 1, call.parameters, units_, {b, nullptr}, z.data,
                       z.stride, false);
  }

  void backward(const Call<T>& call, Matrix<const T> dz) const {
    backward(call, call.inputs[0], dz, call.dx[0], call.rows, call.accumulate);
  }

  // samples: columns of x and dz that are no surplus.
  void backward(const Call<T>& call, Matrix<const T> x, Matrix<const T> dz, Matrix<T> dx, Size samples,
                bool accumulate) const {
    if (call.arrangement == Arrangement::samples_as_columns)
      return backward_columns(call, x, dz, dx, samples, accumulate);
    if (call.gradients) {
      multiply_gradient<T>(*call.kernels, x, dz, call.gradients, accumulate);
      if (has_bias_) call.kernels->column_sum(dz, call.gradients + bias_offset(), accumulate);
    }
    if (dx.data)
      multiply_backward<T>(*call.kernels, dz, weights(call), plans_transpose(in_, units_) ? call.derived : nullptr,
                           call.scratch, dx);
  }

  void gradient(const Call<T>& call, Matrix<const T> x, Matrix<const T> dz, Size parameter, Size first, Size count,
                T* out, bool accumulate = false) const {
    Matrix<const T>& sliced = parameter == weight ? x : dz;
    sliced.data += first;
    sliced.columns = count;
    if (parameter == weight) multiply_gradient<T>(*call.kernels, x, dz, out, accumulate);
    else call.kernels->column_sum(dz, out, accumulate);
  }

  OuterProduct<T> gradient_factors(const Call<T>& call, Matrix<const T> dz, Size parameter) const {
    if (parameter != weight) return {};
    return {call.inputs[0].data, dz.data};
  }

  void derive(const KernelTable<T>& kernels, const T* parameters, T* derived, Size parameter, Size first,
              Size count) const {
    if (parameter == weight)
      kernels.transpose({parameters + first * units_, count, units_, units_}, derived + first, in_);
  }

 private:
  void backward_columns(const Call<T>& call, Matrix<const T> x, Matrix<const T> dz, Matrix<T> dx, Size samples,
                        bool accumulate) const {
    T* bias_gradient = has_bias_ ? call.gradients + bias_offset() : nullptr;
    if (dx.data) multiply_backward_columns<T>(*call.kernels, dz, weights(call), dx);
    x.columns = dz.columns = samples;  // without the surplus columns
    multiply_gradient_columns<T>(*call.kernels, x, dz, call.scratch, call.gradients, bias_gradient, accumulate);
  }

  // Much of it has just been updated by other threads, and comes from their caches while this layer computes.
  static void fetch(Matrix<const T> row) {
    for (Size i = 0; i < row.columns; i += aligned<T>(1)) prefetch_to_l2(row.data + i);
  }

  Matrix<const T> weights(const Call<T>& call) const { return {call.parameters, in_, units_, units_}; }
  Size bias_offset() const { return aligned<T>(in_ * units_); }

  const Size units_;
  const bool has_bias_;
  Size in_ = 0;
};

}  // namespace multicapa
