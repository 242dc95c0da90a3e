// Y = softmax(s(Q, K)) V, the mean of the values weighted by what a query scores with their keys, each head over
// features of its own. s(q, k) is q·k, "scaled_dot" divided by √(features of a head) (Vaswani et al. 2017), or
// "additive" Σ v ∘ tanh(q + k) (Bahdanau, Cho & Bengio 2015). A query sees the keys that exist and, `causal`, none of
// later steps; where it sees none, Y is 0. Scores are never kept: a block of queries goes through all three in the
// cache, and again on the way back.

#include <algorithm>
#include <cmath>

#include "kernels/attention/attention.hpp"
#include "layers/registry.hpp"

namespace multicapa {
namespace {

template <class T> class Attention final : public Layer<T> {
 public:
  explicit Attention(const Spec& spec)
      : heads_(spec.integer("num_heads", 1)),
        causal_(spec.flag("causal", false)),
        gives_weights_(spec.flag("gives_weights", false)),
        score_(spec.text("score", "scaled_dot")),
        spec_(spec) {
    if (heads_ < 1) spec.fail("num_heads should be at least 1, not " + std::to_string(heads_));
    if (score_ != "scaled_dot" && score_ != "dot" && score_ != "additive")
      spec.fail("score should be scaled_dot, dot or additive, not " + score_);
  }

  LayerPlan plan(const std::vector<Shape>& inputs) override {
    check(inputs);
    queries_ = inputs[0].size() == 2 ? inputs[0][0] : 1, keys_ = inputs[1][0];
    key_width_ = inputs[1][1], value_width_ = inputs.back()[1];
    of_key_ = key_width_ / heads_, of_value_ = value_width_ / heads_;
    scale_ = score_ == "scaled_dot" ? static_cast<T>(1 / std::sqrt(static_cast<double>(of_key_))) : T(1);
    height_ = std::min(causal_ ? Size{16} : std::clamp<Size>(block_of_scores / keys_, 4, 64), queries_);
    LayerPlan plan;
    const Size width = gives_weights_ ? heads_ * keys_ : value_width_;
    plan.output = inputs[0].size() == 2 ? Shape{queries_, width} : Shape{width};
    if (is_additive()) plan.parameters.push_back({"weight", {key_width_}, of_key_, 1, true});
    Size scratch = 0;
    const auto reserve = [&](Size& at, Size numbers) { at = scratch, scratch += aligned<T>(numbers); };
    reserve(weights_at_, height_ * keys_);
    reserve(deltas_at_, height_ * keys_);
    reserve(transposed_at_[0], of_key_ * keys_);
    reserve(transposed_at_[1], of_value_ * keys_);
    plan.scratch = scratch;
    plan.work_per_row = static_cast<double>(queries_ * keys_) * static_cast<double>(key_width_ + value_width_);
    plan.stepwise = plan.looks_around = true;
    return plan;
  }

  void forward(const Call<T>& call) const override {
    for_heads(call, call.output, [&](const Head& x) {
      for_blocks(x, [&](const Block& b) {
        const Matrix<T> w = weights(call, x, b), y = rows(x.y, b);
        if (!gives_weights_) return average(call, as_const(w), b.sight, x.v, y);
        call.kernels->copy(as_const(w), {y.data, y.rows, b.keys, y.stride});
        for (Size r = 0; r < y.rows; ++r)
          std::fill(y.data + r * y.stride + b.keys, y.data + r * y.stride + keys_, T(0));
      });
    });
  }

  void backward(const Call<T>& call) const override {
    const KernelTable<T>& k = *call.kernels;
    if (is_additive() && !call.accumulate) std::fill_n(call.gradients, key_width_, T(0));
    for_heads(call, call.dy, [&](const Head& x) {
      for (const Matrix<T>& d : {x.dk, x.dv})
        for (Size j = 0; d.data && j < d.rows; ++j) std::fill_n(d.data + j * d.stride, d.columns, T(0));
      if (!gives_weights_) k.transpose(x.v, call.scratch + transposed_at_[1], x.v.rows);
      for_blocks(x, [&](const Block& b) {
        const Matrix<T> w = weights(call, x, b), dy = rows(x.y, b);
        const Matrix<T> d{call.scratch + deltas_at_, b.count, b.keys, b.keys};
        if (gives_weights_) k.copy({dy.data, b.count, b.keys, dy.stride}, d);
        else
          k.gemm({b.count, b.keys, of_value_}, dy.data, dy.stride, 1, call.scratch + transposed_at_[1], x.v.rows, {},
                 d.data, d.stride, false);
        if (!gives_weights_ && x.dv.data) add_by_key(call, as_const(w), as_const(dy), x.dv);
        k.attention->softmax_backward(as_const(w), d, b.sight, scale_);
        pass_scores_back(call, x, b, as_const(d));
      });
    });
  }

 private:
  static constexpr Size block_of_scores = 4096;  // that lie in L1 beside what they are made of

  // One head of one sample, steps × features. What has no data is not wanted.
  struct Head {
    Matrix<const T> q, k, v;
    Matrix<T> y, dq, dk, dv;
    const T* weight;
    T* weight_gradient;
  };
  // Some of its queries, and the keys that any of them sees.
  struct Block {
    Size first, count, keys;
    Sight sight;
  };

  void check(const std::vector<Shape>& inputs) const {
    if (inputs.size() != 2 && inputs.size() != 3)
      spec_.fail("takes queries, keys and values, or queries and a memory that is both, not " +
                 std::to_string(inputs.size()) + " inputs");
    if (inputs[0].size() > 2) spec_.fail("takes queries (time, features) or (features,), not " + to_string(inputs[0]));
    for (std::size_t i = 1; i < inputs.size(); ++i)
      if (inputs[i].size() != 2) spec_.fail("looks at sequences (time, features), not at " + to_string(inputs[i]));
    if (inputs.back()[0] != inputs[1][0])
      spec_.fail("wants a value for each key, not " + to_string(inputs.back()) + " for " + to_string(inputs[1]));
    if (inputs[0].back() != inputs[1].back())
      spec_.fail("compares queries and keys of as many features, not " + to_string(inputs[0]) + " and " +
                 to_string(inputs[1]) + "; give it units, or put a Dense before");
    for (const Shape& shape : inputs)
      if (shape.back() % heads_ != 0)
        spec_.fail("cuts features into " + std::to_string(heads_) + " heads, which " + to_string(shape) +
                   " can't be cut into");
    if (causal_ && inputs[0].size() != 2) spec_.fail("can't be causal: the queries have no steps");
  }

  bool is_additive() const { return score_ == "additive"; }

  // y: the output, or its delta.
  template <class Body> void for_heads(const Call<T>& call, Matrix<T> y, Body body) const {
    const std::size_t values = call.inputs.size() - 1;
    for (Size r = 0; r < call.rows; ++r) {
      const Size queries = call.lengths ? call.lengths[r] : call.steps < 0 ? queries_ : call.steps;
      const Size keys = call.memory_lengths ? call.memory_lengths[r] : keys_;
      if (call.interruption && call.interruption->look_within_task(static_cast<double>(queries * keys * key_width_)))
        return;
      const auto head = [&](auto m, Size steps, Size of_head, Size h) {
        if (m.data) m = {m.data + r * m.stride + h * of_head, steps, of_head, of_head * heads_};
        return m;
      };
      for (Size h = 0; h < heads_; ++h)
        body(Head{head(call.inputs[0], queries, of_key_, h), head(call.inputs[1], keys, of_key_, h),
                  head(call.inputs[values], keys, of_value_, h),
                  head(y, queries, gives_weights_ ? keys_ : of_value_, h), head(call.dx[0], queries, of_key_, h),
                  head(call.dx[1], keys, of_key_, h), head(call.dx[values], keys, of_value_, h),
                  call.parameters + h * of_key_, call.gradients ? call.gradients + h * of_key_ : nullptr});
    }
  }

  template <class Body> void for_blocks(const Head& x, Body body) const {
    for (Size first = 0; first < x.q.rows; first += height_) {
      const Size count = std::min(height_, x.q.rows - first);
      const Size keys = causal_ ? std::min(first + count, x.k.rows) : x.k.rows;
      body(Block{first, count, keys, causal_ ? Sight{first + 1, 1} : Sight{keys, 0}});
    }
  }

  template <class U> static Matrix<U> rows(Matrix<U> m, const Block& b) {
    if (m.data) m.data += b.first * m.stride;
    m.rows = b.count;
    return m;
  }
  template <class U> static Matrix<U> first_rows(Matrix<U> m, Size count) {
    m.rows = count;
    return m;
  }

  // What the block's queries make of the keys.
  Matrix<T> weights(const Call<T>& call, const Head& x, const Block& b) const {
    const KernelTable<T>& k = *call.kernels;
    const Matrix<T> w{call.scratch + weights_at_, b.count, b.keys, b.keys};
    if (is_additive()) {
      k.attention->additive({rows(x.q, b), first_rows(x.k, b.keys), x.weight, b.sight}, w);
    } else {
      T* const transposed = call.scratch + transposed_at_[0];
      if (b.first == 0) k.transpose(x.k, transposed, x.k.rows);
      const Matrix<const T> q = rows(x.q, b);
      k.gemm({b.count, b.keys, of_key_}, q.data, q.stride, 1, transposed, x.k.rows, {}, w.data, w.stride, false);
    }
    k.attention->softmax(w, b.sight, scale_);
    return w;
  }

  // out = w·of over the keys that each row sees. The others are not even multiplied by their weight of 0: they may be
  // infinite.
  void average(const Call<T>& call, Matrix<const T> w, Sight sight, Matrix<const T> of, Matrix<T> out) const {
    const KernelTable<T>& k = *call.kernels;
    const Size common = std::min(sight.first, w.columns);
    k.gemm({w.rows, of.columns, common}, w.data, w.stride, 1, of.data, of.stride, {}, out.data, out.stride, false);
    for (Size r = 1; r < w.rows && common < w.columns; ++r)
      k.gemm({1, of.columns, std::min(r * sight.step, w.columns - common)}, w.data + r * w.stride + common, w.stride, 1,
             of.data + common * of.stride, of.stride, {}, out.data + r * out.stride, out.stride, true);
  }

  // to += wᵗ·rows, for the keys that w has.
  static void add_by_key(const Call<T>& call, Matrix<const T> w, Matrix<const T> rows, Matrix<T> to) {
    call.kernels->gemm({w.columns, rows.columns, w.rows}, w.data, 1, w.stride, rows.data, rows.stride, {}, to.data,
                       to.stride, true);
  }

  void pass_scores_back(const Call<T>& call, const Head& x, const Block& b, Matrix<const T> delta) const {
    const Matrix<const T> q = rows(x.q, b), k = first_rows(x.k, b.keys);
    const Matrix<T> dq = rows(x.dq, b);
    if (is_additive())
      return call.kernels->attention->additive_backward({q, k, x.weight, b.sight}, delta, dq, x.dk, x.weight_gradient);
    if (dq.data) average(call, delta, b.sight, k, dq);
    if (x.dk.data) add_by_key(call, delta, q, x.dk);
  }

  const Size heads_;
  const bool causal_, gives_weights_;
  const std::string score_;
  const Spec spec_;
  Size queries_ = 1, keys_ = 0, key_width_ = 0, value_width_ = 0, of_key_ = 0, of_value_ = 0, height_ = 1;
  T scale_ = 1;
  Size weights_at_ = 0, deltas_at_ = 0, transposed_at_[2] = {};
};

}  // namespace

template <class T> std::unique_ptr<Layer<T>> make_attention(const Spec& spec) {
  return std::make_unique<Attention<T>>(spec);
}

template std::unique_ptr<Layer<float>> make_attention<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_attention<double>(const Spec&);

}  // namespace multicapa
