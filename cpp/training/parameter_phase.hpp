// The second phase of a step: for each range of a parameter its gradient over the whole batch, the penalty and the
// update, at once. Clipping by the norm of the whole gradient cuts it in two.
#pragma once

#include <vector>

#include "base/function_ref.hpp"
#include "base/team.hpp"
#include "network/pass.hpp"
#include "training/objective.hpp"
#include "training/optimizer.hpp"

namespace multicapa {

// What the first phase leaves to the second.
template <class T> struct RowsPhase {
  const Pass<T>* whole;  // over all rows at once; null when they go chunk by chunk, or leave the gradients ready
  Size rows;
  Size chunks;
  bool derives;  // layers read what is derived from the parameters
  int threads;
};

template <class T> class ParameterPhase {
 public:
  using Closing = FunctionRef<void()>;  // run once, by one member, when all of the work is done

  ParameterPhase(Network<T>& network, const Objective<T>& objective, const RowsPhase<T>& rows);

  // Where a chunk of rows leaves its gradients, in the first phase.
  void place_gradients(Pass<T>& pass, Size chunk, bool accumulate);
  // One phase before the first: w + stddev · n, which the batch sees; the update goes to w itself.
  const T* perturb(Member& member, std::uint64_t step);
  // The gradients are left in the network when they are to be kept, or without an optimiser.
  void run(Member& member, Optimizer<T>* optimizer, T l2, bool keep_gradient, const Closing& closing);

  double penalty() const;  // of the parameters before the update; from run's closing on

 private:
  // Where a node's gradient comes from.
  enum class Origin { whole_batch, chunks, ready };
  struct NodeGradient {
    Origin origin = Origin::ready;
    Size chunk_offset = 0;
  };
  struct Task {
    const Tensor* tensor;
    Size first, count;  // rows of the tensor
    Size offset, size;  // of its numbers in the flat vector
    double work;        // multiplications
  };

  void plan_gradients();
  void plan_tasks();
  Size pieces_of_product(const Tensor& tensor, double work) const;
  Size pieces_of_update(const Tensor& tensor, double work) const;
  void plan_shares();
  const Node<T>& node(Size n) const { return network_.nodes()[static_cast<std::size_t>(n)]; }
  void derive(const Task& task, const T* parameters);
  T* place(const Member& member, Size task, bool keep);
  bool updates_as_one(const Optimizer<T>& optimizer) const;
  void update_as_one(Optimizer<T>& optimizer);
  void compute_gradient(Size task, T l2, T* gradient);
  void penalize_frozen(Size task, T l2);
  OwnPenalty<T> own_penalty(const Tensor& tensor) const;
  void add_penalty(Size task, T* gradient, T l2);
  void apply_update(Size task, Optimizer<T>& optimizer, T factor, T* gradient);
  bool update_by_product(Size task, Optimizer<T>& optimizer);
  T norm_factor() const;
  double norm_beyond_squares() const;
  template <class Work> void for_tasks(Member& member, Work&& work, const Closing& closing);

  Network<T>& network_;
  const Objective<T>& objective_;
  const RowsPhase<T> before_;
  std::vector<NodeGradient> node_gradients_;
  std::vector<Task> tasks_;
  std::vector<Size> shares_;  // the first task of each, and the end
  Size chunk_stride_ = 0;
  bool all_ready_ = false;
  std::vector<Buffer<T>> pieces_;  // of gradients over the whole batch, one per thread
  Buffer<T> chunk_gradients_, noisy_;
  std::vector<Apart<double>> penalties_, squares_;  // of each task
  T norm_factor_ = 1;
};

}  // namespace multicapa
