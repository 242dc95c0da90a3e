// A layer is stateless: it plans, then works on the memory it is handed. It owns none and allocates none.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/interruption.hpp"
#include "kernels/table.hpp"
#include "network/spec.hpp"

namespace multicapa {

struct ParameterPlan {
  std::string name;
  Shape shape;
  Size fan_in;  // for the initialisation, which Python carries out
  Size fan_out;
  bool penalized;  // a weight, as opposed to a bias or a scale
};

struct StatePlan {
  std::string name;
  Shape shape;
  double initial;
};

struct LayerPlan {
  Shape output;
  std::vector<ParameterPlan> parameters;
  std::vector<StatePlan> states;
  Size kept_per_row = 0;    // numbers that backward wants back from forward
  Size derived = 0;         // numbers computed from the parameters, such as a transposed copy
  Size scratch = 0;         // numbers of memory to work in during one call
  double work_per_row = 0;  // multiplications of the forward pass
  bool backward_reads_input = true;
  bool backward_reads_output = false;
  bool may_work_in_place = false;     // output over input, and dx over dy
  bool whole_batch_gradient = false;  // offers gradient() beside the block-wise one
  bool calls_out = false;             // runs functions of the caller's, on the calling thread only
  std::string function;               // of an activation: a loss may be paired with it
  double function_parameter = 0;      // of that activation, if it has one
  bool shares_weights = false;        // among the places of a map: much work and many numbers for few parameters
  bool either_arrangement = false;    // takes samples as columns too
  Size scratch_per_column = 0;        // then, numbers of memory per sample to work in besides
  Size carried = 0;                   // numbers per sample that pass from one stretch of time to the next
  bool stepwise = false;              // of a sample (time, features), treats each step for itself or walks through time
  bool walks = false;                 // through time, all samples of a block at once: the longest first
  bool looks_around = false;  // stepwise, but sees all steps of its inputs, or of those after the first, at once
  Size batch_sums = 0;        // > 0: training needs that many sums over the whole batch, forward and backward
};

// What one layer sees of one block of rows. Matrices of dx with data == nullptr are not wanted. With samples as columns
// the matrices are features × samples, and have surplus columns beyond `rows`.
template <class T> struct Call {
  const KernelTable<T>* kernels = nullptr;
  Arrangement arrangement = Arrangement::samples_as_rows;
  Size rows = 0;       // samples
  Size first_row = 0;  // of the block within its batch
  std::vector<Matrix<const T>> inputs;
  Matrix<T> output;
  std::vector<Matrix<T>> dx;  // overwritten, never added to
  Matrix<T> dy;               // backward may destroy it
  const T* parameters = nullptr;
  Matrix<const T> next_parameters;  // of the next layer that has any, in one row
  T* gradients = nullptr;           // null when gradient() will be asked for them later
  bool accumulate = false;          // add to the gradients instead of overwriting them
  bool begins_gradient = true;      // of one that shares its parameters: no other has begun on them
  T* state = nullptr;
  T* kept = nullptr;
  Size kept_stride = 0;  // numbers that are kept per sample
  const T* derived = nullptr;
  T* scratch = nullptr;
  T* batch_sums = nullptr;  // the combined sums of the whole batch, forward's then backward's
  bool training = false;
  std::uint64_t seed = 0;  // random numbers are a function of the seed, the stream and the element
  const std::uint64_t* step = nullptr;
  std::uint64_t node = 0;
  const Size* lengths = nullptr;  // steps that each sample has, descending where `active` is read; null: all as planned
  const Size* active = nullptr;   // samples that have step t, which are the first so many; null: all have all steps
  Size steps = -1;                // of the block's longest sample; -1: as planned
  T* carried = nullptr;           // states before the block's first step, and after its last one; null: as they begin
  Size bptt = 0;                  // > 0: gradients do not pass back over each so many steps
  const Size* memory_lengths = nullptr;  // of the samples of the last input, where a layer looks around in it
  Interruption* interruption = nullptr;  // to look at within long work; null: somebody else does

  std::uint64_t stream() const { return *step << 16 | node; }
};

// A pair of functions of the caller's: a = value(z), and dz from z and da. They may throw.
template <class T> struct Function {
  std::function<void(Matrix<const T> z, Matrix<T> a)> value;
  std::function<void(Matrix<const T> z, Matrix<const T> da, Matrix<T> dz)> derivative;
};

// Both ways of a layer of the caller's, over the same memory as any other layer's. They may throw.
template <class T> struct LayerFunctions {
  std::function<void(const Call<T>&)> forward;
  std::function<void(const Call<T>&)> backward;
};

// The sums of all blocks, each T[batch_sums].
template <class T> struct BlockSums {
  const T* sums;
  Size stride;  // from one block's sums to the next's
  Size blocks;
};

// A matrix whose element (i, j) is left[i] · right[j].
template <class T> struct OuterProduct {
  const T *left = nullptr, *right = nullptr;
};

template <class T> class Layer {
 public:
  virtual ~Layer() = default;
  virtual LayerPlan plan(const std::vector<Shape>& inputs) = 0;
  virtual void forward(const Call<T>& call) const = 0;
  virtual void backward(const Call<T>& call) const = 0;

  // whole_batch_gradient: rows [first, first + count) of the gradient of one parameter, from a call over all rows.
  virtual void gradient(const Call<T>&, Size /*parameter*/, Size /*first*/, Size /*count*/, T* /*out*/) const {}
  // The same over a single row, where it is such a product of two vectors.
  virtual OuterProduct<T> gradient_factors(const Call<T>&, Size /*parameter*/) const { return {}; }
  // derived > 0: brings the derived numbers up to date for rows [first, first + count) of one parameter.
  virtual void derive(const KernelTable<T>&, const T* /*parameters*/, T* /*derived*/, Size /*parameter*/,
                      Size /*first*/, Size /*count*/) const {}

  // batch_sums > 0: forward = sums of every block, then combine, then forward(); backward likewise. combine also
  // brings running statistics and the layer's own gradients up to date.
  virtual void forward_sums(const Call<T>&, T* /*sums*/) const {}
  virtual void combine_forward(const Call<T>&, const BlockSums<T>&) const {}
  virtual void backward_sums(const Call<T>&, T* /*sums*/) const {}
  virtual void combine_backward(const Call<T>&, const BlockSums<T>&) const {}

  // What a layer learns beside its parameters, as from what it has seen, stays as it is while it is frozen.
  virtual void freeze(bool /*frozen*/) {}

  // Of a layer that walks through time, of samples as rows: after backward, the deltas of each step's sums, time after
  // time. Each step may have other numbers behind them.
  virtual Matrix<const T> step_deltas(const Call<T>&) const { return {}; }

  // carried > 0: the state of one sample before its first step.
  virtual void start(T* /*carried*/) const {}

  // calls_out: gives the layer the functions it runs.
  virtual void attach(const Function<T>&) {}
  virtual void attach(const LayerFunctions<T>&) {}
};

// Makes the layer that spec.type names; throws InvalidArgument when there is none or its options are wrong.
template <class T> std::unique_ptr<Layer<T>> make_layer(const Spec& spec);

// The names that make_layer knows.
std::vector<std::string> layer_names();

}  // namespace multicapa
