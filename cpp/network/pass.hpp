// A pass: one block of rows on its way forward and backward through the nodes, in memory planned beforehand.
#pragma once

#include <vector>

#include "kernels/samples.hpp"
#include "network/network.hpp"

namespace multicapa {

// What the passes of one batch share: where each node keeps its numbers. Either every row of the batch has its place
// (the gradient of a weight may then be computed over the whole batch), or each pass has one block of rows of
// its own that it uses again and again.
enum class RowPlaces { whole_batch, one_block };

struct Keep {
  RowPlaces rows = RowPlaces::one_block;  // the only way for samples as columns
  Size capacity = 0;                      // rows that have a place
  bool backward = false;                  // gradients too
  Arrangement arrangement = Arrangement::samples_as_rows;
  bool apart = false;  // no two nodes share memory, so that each can be looked at afterwards
};

template <class T> class Workspace {
 public:
  Workspace(const Network<T>& network, Keep keep);
  const Keep& keep() const { return keep_; }
  T* value(Size node) { return memory_.data() + value_[static_cast<std::size_t>(node)]; }
  T* gradient(Size node) { return memory_.data() + gradient_[static_cast<std::size_t>(node)]; }
  T* kept(Size node) { return memory_.data() + kept_[static_cast<std::size_t>(node)]; }
  T* batch_sums(Size node) { return memory_.data() + batch_sums_[static_cast<std::size_t>(node)]; }
  T* scratch() { return memory_.data() + scratch_; }

 private:
  Keep keep_;
  std::vector<Size> value_, gradient_, kept_, batch_sums_;
  Size scratch_ = 0;
  Buffer<T> memory_;
};

// Samples as one input reads them, and the steps that each has or null.
struct InputRows {
  Rows x;
  const Size* lengths = nullptr;
};

template <class T> class Pass {
 public:
  // scratch: gradients that must be added to others go there first; its own, since passes run side by side.
  // With `fetches`, layers ask for the next one's parameters, which other threads have just updated.
  Pass(Network<T>& network, Workspace<T>& workspace, bool training, bool fetches = false);

  Pass(const Pass&) = delete;  // its calls point into it

  // Points every call at the rows [first, first + rows) of the batch.
  void place(Size first, Size rows);
  // The same where samples of some inputs have lengths: those of the block are order[from], order[from + 1], …
  void place(Size first, Size rows, const std::vector<InputRows>& inputs, const Size* order, Size from);
  // From here on: the samples' states before their first step, which become those after their last; one for each node.
  void carry(Size node, T* states) { calls_[static_cast<std::size_t>(node)].carried = states; }
  void set_bptt(Size steps);
  // Whom long layers ask whether to go on; null: nobody.
  void set_interruption(Interruption* interruption);
  // Where one node's gradients of this block go: null when gradient() will be asked for them instead.
  void place_gradient(Size node, T* gradients, bool accumulate);
  // The network's own parameters, or others laid out like them.
  void read_parameters_from(const T* flat);
  void set_step(std::uint64_t step) { step_ = step; }

  // Nodes that forward and backward pass by, since losses work on what they read.
  void leave_out(const std::vector<Size>& nodes);

  // Nodes [from, to), in order or in reverse.
  void forward(Size from, Size to);
  void backward(Size from, Size to);
  void forward_left_out();

  Size rows() const { return rows_; }
  Matrix<T> input(Size i = 0) const;  // rows to be filled with samples
  // Reads the samples of an input where they lie instead, until the next place().
  void read_input_from(Size i, const T* rows, Size stride);
  Matrix<T> value(Size node) const;
  Matrix<T> gradient(Size node) const;
  const Call<T>& call(Size node) const { return calls_[static_cast<std::size_t>(node)]; }

 private:
  // The steps of an input that the samples of the block have.
  struct Time {
    bool ragged = false;
    bool sorted = true;            // the longest come first
    Size steps = -1;               // of the longest
    std::vector<Size> lengths;     // of the block's samples
    std::vector<Size> order;       // the samples, the longest first
    std::vector<Size> descending;  // their lengths
    std::vector<Size> active;      // how many samples have each step
  };

  Matrix<T> matrix(T* data, const Node<T>& node) const;
  const Time* time_of(Size node) const;
  void read_lengths(Time& time, const Size* lengths, const Size* order, Size from);
  void place_calls();
  template <class Work> void run_sorted(Size n, bool backward, Work work);
  Matrix<T> sorted(Matrix<const T> rows, const Time& time, T*& place) const;
  void put_back(Matrix<const T> rows, const Time& time, Matrix<T> out) const;
  Size place_row(Size first) const { return workspace_.keep().rows == RowPlaces::whole_batch ? first : 0; }

  Network<T>& network_;
  Workspace<T>& workspace_;
  std::vector<Call<T>> calls_;                     // one per node; the input's is empty
  std::vector<std::vector<Size>> scratch_places_;  // per node and input: where dx waits to be added, or -1
  Buffer<T> scratch_, layer_scratch_;
  const T* parameters_ = nullptr;
  std::uint64_t step_ = 0;
  std::vector<Time> times_;                       // of each input
  Buffer<T> sorted_;                              // rows of a layer that walks through time, in its order
  std::vector<Matrix<const T>> unsorted_inputs_;  // of its call, meanwhile
  std::vector<Matrix<T>> unsorted_dx_;
  std::vector<bool> left_out_;
  bool ragged_ = false;
  Size first_ = -1, rows_ = -1;
  bool reads_elsewhere_ = false;
  const bool fetches_;
};

}  // namespace multicapa
