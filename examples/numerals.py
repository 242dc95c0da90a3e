"""Spanish numerals to digits: a decoder that looks at the words it needs, and numbers it has never seen.

"doscientos siete" has no word for the 0 of 207, and "veintiuno" is one word for two digits, so reading word by word
does not do: the digits depend on what is said and on what is not.
"""

from pathlib import Path

import numpy as np

import multicapa as mc

small = "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince"
ones = small.split()
ones += [f"dieci{word}" for word in ("séis", "siete", "ocho", "nueve")] + ["veinte"]
ones += [f"veinti{word}" for word in ("uno", "dós", "trés", "cuatro", "cinco", "séis", "siete", "ocho", "nueve")]
tens = ["treinta", "cuarenta", "cincuenta", "sesenta", "setenta", "ochenta", "noventa"]
hundreds = "ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos"


def numeral(n):
    if n >= 100:
        rest = f" {numeral(n % 100)}" if n % 100 else ""
        return "cien" if n == 100 else hundreds.split()[n // 100 - 1] + rest
    if n < 30:
        return ones[n]
    return tens[n // 10 - 3] + (f" y {ones[n % 10]}" if n % 10 else "")


order = np.random.default_rng(0).permutation(1000)
texts, digits = [numeral(n) for n in order], [str(n) for n in order]
model = mc.Seq2Seq(units=64, level=("words", "characters"), seed=0)
model.fit(texts[:700], digits[:700], epochs=40, batch_size=32, learning_rate=0.005)

exact = model.score(texts[700:], digits[700:])
print(f"of 300 numerals it has not seen, {exact:.1%} are right to the last digit")
samples = ["doscientos siete", "setecientos treinta y dos", "novecientos noventa"]
for text, made in zip(samples, model.predict(samples, beam_width=4), strict=True):
    print(f"{text:26} {made}")

text, made = samples[1], model.predict(samples[1:2])[0]
weights = model.attention_weights(text, made)
mc.plots.AttentionDisplay(weights, query=[*made, "end"], memory=text.split()).plot().figure_.savefig(
    Path("numerals.png"), dpi=150
)
print("where each digit looks: numerals.png")
