// What recurrent layers share: the walk through time over one block of samples, the memory of all steps, and the sums
// of the weights' gradients over them. A cell says what happens in one step.
//
// Step t of a sample (time, features) is a run of its numbers, so with samples as columns a step is a block of rows,
// and with samples as rows a range of columns. The products and gates of a step are written once for both.
#pragma once

#include "kernels/recurrent/recurrent.hpp"
#include "layers/layer.hpp"
#include "layers/recurrent/track.hpp"

namespace multicapa {

// Some of the columns of a weight matrix: those of gates that are computed together.
struct GateRange {
  Size first, count;
};

template <class T> class Recurrent : public Layer<T> {
 public:
  LayerPlan plan(const std::vector<Shape>& inputs) final;
  void forward(const Call<T>& call) const final;
  void backward(const Call<T>& call) const final;
  void start(T* carried) const final;
  Matrix<const T> step_deltas(const Call<T>& call) const final {
    return {call.kept + slots_at_, call.rows, time_ * cell_.slots * units_, call.kept_stride};
  }

 protected:
  // How a cell differs from others.
  struct Cell {
    Size gates = 1;             // blocks of columns in weight and recurrent_weight
    Size slots = 1;             // numbers per unit and step that the cell keeps, gates first
    bool has_cell = false;      // a second state beside the hidden one
    Size recurrent_biases = 0;  // per unit
    bool packs = true;          // weight and recurrent_weight are matrices that multiply steps
    std::vector<GateRange> ranges;
  };
  enum Parameter { weight, recurrent_weight, bias, recurrent_bias };

  // One block of samples.
  struct Frame {
    const Call<T>& call;
    Size steps;                 // of its longest sample
    Track<const T> x{};         // features
    Track<T> dx{};              // null where it is not wanted
    Track<T> hidden{}, cell{};  // states after each step
    Track<T> slots{};           // gates × units
    Track<T> first{}, first_cell{};
    Track<T> dh{}, dcell{}, products{};
    Mask<T> input_mask{}, state_mask{};
    T* fixed = nullptr;  // memory that does not depend on the number of samples
  };
  // One of its steps: as many samples as it has, whole registers of them where they are columns.
  struct Step {
    Size t, samples, lanes;
    Matrix<const T> x{};                          // as products see it
    Matrix<const T> previous{}, previous_cell{};  // without data: zeros
    Matrix<const T> recalled{};                   // the state before as products see it
  };

  Recurrent(const Spec& spec, Cell cell);

  // From slots that are free to the hidden state, and the cell's.
  virtual void step(const Frame&, const Step&, Matrix<T> hidden) const = 0;
  // From the delta of the hidden state, in frame.dh, to those of the gates, and where `passes` that of the hidden state
  // before, again in frame.dh.
  virtual void step_back(const Frame&, const Step&, Matrix<const T> hidden, bool passes) const = 0;
  // Adds the gradients of some steps, given as rows: deltas of all slots, x and the state before each as products saw
  // them. By default those of z = x·W + h·U + b, with a delta for each column.
  virtual void add_gradients(const Frame&, Matrix<const T> deltas, Matrix<const T> x, Matrix<const T> previous,
                             bool accumulate) const;
  // Whether the state before the first step is (1, 0, …) instead of zeros.
  virtual bool starts_with_one() const { return false; }
  // Numbers per sample to work in.
  virtual Size products() const { return 0; }

  Matrix<T> slot(const Frame& frame, const Step& step, Size index, Size count = 1) const {
    return frame.slots.at(frame.slots.step ? step.t : 0, step.lanes, index * units_, count * units_);
  }
  // z = bias + x·W + h·U over a range of gates; x or h may have no data.
  void multiply(const Frame&, GateRange, Matrix<const T> x, Matrix<const T> h, const T* bias, Matrix<T> z,
                bool accumulate = false) const;
  // out (+)= Σ over ranges of dz·Wᵗ, for weight or recurrent_weight.
  struct Term {
    GateRange range;
    Matrix<const T> dz;
  };
  void multiply_back(const Frame&, Parameter, Term, Term, Matrix<T> out, bool accumulate) const;
  // z of all gates at once, and back from their deltas to the state before.
  void sum_all(const Frame&, const Step&) const;
  void pass_all_back(const Frame&, const Step&) const;
  // gradient (+)= aᵗ·d over rows, into columns [first, first + d.columns) of a parameter.
  void add_product(const Frame&, Parameter, Matrix<const T> a, Matrix<const T> d, Size first, bool accumulate) const;
  void add_sum(const Frame&, Parameter, Matrix<const T> d, bool accumulate) const;

  // Memory that does not depend on the number of samples: one matrix of the weights, and as much as x in add_gradients.
  T* room_for_weights(const Frame& frame) const { return frame.fixed + packed_at_[weight]; }
  T* room_for_inputs(const Frame& frame) const { return frame.fixed + spare_at_; }

  const T* parameter(const Frame& frame, Parameter index) const { return frame.call.parameters + offset_[index]; }
  bool has_bias() const { return has_bias_; }

  const Spec spec_;
  const Size units_;
  const Cell cell_;
  Size features_ = 0;
  Size offset_[4] = {};  // of the parameters

  virtual Shape weight_shape() const { return {features_, cell_.gates * units_}; }
  virtual Shape recurrent_shape() const { return {units_, cell_.gates * units_}; }

 private:
  class Gathered;

  Frame frame(const Call<T>& call) const;
  void prepare(const Frame&, bool backward) const;
  Size time_of(const Frame& frame, Size i) const { return reverse_ ? frame.steps - 1 - i : i; }
  Size samples_at(const Frame& frame, Size i) const;
  Step step_at(const Frame&, Size i) const;
  bool is_over(const Frame&, const Step&) const;
  Matrix<T> hidden_at(const Frame&, Size t, Size samples) const;
  void begin_samples(const Frame&, Size i, Size from, Size to) const;
  void end_samples(const Frame&, Size i, Size from, Size to) const;
  void receive(const Frame&, const Step&, Size new_from) const;
  template <class U> Matrix<U> given_state(Matrix<U> states, const Frame&, Size from, Size count) const;
  void pass_to_given(const Frame&, Size from, Size to, Track<T> dh, Track<T> dcell) const;

  const bool sequences_, reverse_, has_bias_;
  const T input_dropout_, state_dropout_;
  Size time_ = 0, given_states_ = 0;
  double work_per_step_ = 0;  // multiplications for each sample
  // Offsets, in numbers per sample, of what is kept; and in numbers, of what is not kept per sample.
  Size slots_at_ = 0, cell_at_ = 0, hidden_at_ = 0, first_at_ = 0, dh_at_ = 0, products_at_ = 0, input_mask_at_ = 0,
       state_mask_at_ = 0;
  Size packed_at_[2] = {}, gathered_at_ = 0, spare_at_ = 0, gathered_stride_[3] = {};
};

}  // namespace multicapa
