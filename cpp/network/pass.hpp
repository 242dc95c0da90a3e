// A pass: one block of rows on its way forward and backward through the nodes, in memory planned beforehand.
#pragma once

#include <vector>

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

template <class T> class Pass {
 public:
  // scratch: gradients that must be added to others go there first; its own, since passes run side by side.
  // With `fetches`, layers ask for the next one's parameters, which other threads have just updated.
  Pass(Network<T>& network, Workspace<T>& workspace, bool training, bool fetches = false);

  Pass(const Pass&) = delete;  // its calls point into it

  // Points every call at the rows [first, first + rows) of the batch.
  void place(Size first, Size rows);
  // The same where samples have lengths, which descend in this order: lengths[order[from]], lengths[order[from + 1]], …
  void place(Size first, Size rows, const Size* lengths, const Size* order, Size from);
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

  // Nodes [from, to), in order or in reverse.
  void forward(Size from, Size to) const;
  void backward(Size from, Size to) const;

  Size rows() const { return rows_; }
  Matrix<T> input() const;  // rows to be filled with samples
  // Reads samples where they lie instead, until the next place().
  void read_input_from(const T* rows, Size stride);
  Matrix<T> value(Size node) const;
  Matrix<T> gradient(Size node) const;
  const Call<T>& call(Size node) const { return calls_[static_cast<std::size_t>(node)]; }

 private:
  Matrix<T> matrix(T* data, const Node<T>& node) const;
  void place_calls();
  Size place_row(Size first) const { return workspace_.keep().rows == RowPlaces::whole_batch ? first : 0; }

  Network<T>& network_;
  Workspace<T>& workspace_;
  std::vector<Call<T>> calls_;                     // one per node; the input's is empty
  std::vector<std::vector<Size>> scratch_places_;  // per node and input: where dx waits to be added, or -1
  Buffer<T> scratch_, layer_scratch_;
  const T* parameters_ = nullptr;
  std::uint64_t step_ = 0;
  std::vector<Size> lengths_, active_;  // of the block's samples, and how many have each step
  Size steps_ = -1;                     // of the longest
  Size first_ = -1, rows_ = -1;
  bool reads_elsewhere_ = false;
  const bool fetches_;
};

}  // namespace multicapa
