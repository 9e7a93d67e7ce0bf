/** A function of frozen objects that computes once for each of them, for as long as it is there. */
export function once<Subject extends object, Result>(compute: (subject: Subject) => Result): (subject: Subject) => Result {
  const known = new WeakMap<Subject, { readonly result: Result }>()
  return (subject) => {
    const found = known.get(subject)
    if (found) return found.result
    const result = compute(subject)
    known.set(subject, { result })
    return result
  }
}
