"""Dates as people write them to dates as files want them: 3 March 1998, or 03/03/98, to 1998-03-03.

The decoder writes the year first, which stands last; attention lets it look there.
"""

from datetime import date, timedelta
from pathlib import Path

import numpy as np

import multicapa as mc

rng = np.random.default_rng(0)
written = ["{0:%d} {0:%B} {0:%Y}", "{0:%B} {0:%d}, {0:%Y}", "{0:%d}.{0:%m}.{0:%Y}", "{0:%a} {0:%d} {0:%b} {0:%y}"]


def pairs(count):
    days = [date(1960, 1, 1) + timedelta(int(n)) for n in rng.integers(0, 70 * 365, count)]
    return [str(rng.choice(written)).format(day) for day in days], [day.isoformat() for day in days]


texts, dates = pairs(3000)
new_texts, new_dates = pairs(300)
model = mc.Seq2Seq(units=64, seed=0)
model.fit(texts, dates, epochs=12, batch_size=64, learning_rate=0.005)

exact = model.score(new_texts, new_dates)
print(f"of 300 new dates, {exact:.1%} are right to the last digit")
for text, made in zip(new_texts[:4], model.predict(new_texts[:4]), strict=True):
    print(f"{text:20} {made}")

text, made = new_texts[0], model.predict(new_texts[:1])[0]
weights = model.attention_weights(text, made)
display = mc.plots.AttentionDisplay(weights, query=[*made, "end"], memory=list(text)).plot()
display.figure_.savefig(Path("dates.png"), dpi=150)
print("where each digit looks: dates.png")
