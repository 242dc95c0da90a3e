"""Letters of a text, generated one by one: a language of a few words, learnt letter by letter.

The network reads a letter at each step and says how likely each letter is as the next. Then it goes on by itself: a
stream keeps its state, and what is drawn from its last output is its next input.
"""

import numpy as np

import multicapa as mc

rng = np.random.default_rng(0)
words = ["the", "net", "learns", "letters", "one", "by", "and", "then", "goes", "on"]
text = " ".join(rng.choice(words, 1500)) + " "
letters = sorted(set(text))
codes = np.array([letters.index(letter) for letter in text])

time = 30
count = (len(codes) - 1) // time
X, y = codes[: count * time].reshape(count, time), codes[1 : count * time + 1].reshape(count, time)

net = mc.Sequential(
    [mc.Embedding(len(letters), 8), mc.GRU(48, return_sequences=True), mc.Dense(len(letters), "softmax")],
    input_shape=(time,),
    seed=0,
)
before = net.evaluate(X, y)["loss"]
net.fit(X, y, epochs=40, optimizer=mc.Adam(0.01), clip_norm=1.0)
after = net.evaluate(X, y)["loss"]
print(f"loss per letter: {before:.2f} before, {after:.2f} after training (guessing: {np.log(len(letters)):.2f})\n")

stream = net.stream()
written, letter = "", " "
for _ in range(400):
    probabilities = stream.step([letters.index(letter)]).astype(float)
    letter = letters[rng.choice(len(letters), p=probabilities / probabilities.sum())]
    written += letter
made = written.split(" ")[1:-1]
share = np.mean([word in words for word in made])
print(written[:75])
print(f"\n{share:.0%} of its words are words")
