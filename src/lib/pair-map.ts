/** A map whose keys are pairs. Two look-ups take less than one by a key that is put together for it, which must be hashed each time. */
export class PairMap<First, Second, Value> {
  readonly #values = new Map<First, Map<Second, Value>>()

  get(first: First, second: Second): Value | undefined {
    return this.#values.get(first)?.get(second)
  }

  /** Gives the value. */
  set(first: First, second: Second, value: Value): Value {
    let values = this.#values.get(first)
    if (values === undefined) {
      values = new Map()
      this.#values.set(first, values)
    }
    values.set(second, value)
    return value
  }

  *values(): Generator<Value> {
    for (const values of this.#values.values()) yield* values.values()
  }
}
