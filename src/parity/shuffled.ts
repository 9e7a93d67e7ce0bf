/** The numbers from 0 to `count - 1` as chance has it. */
export function shuffled(count: number, random: (below: number) => number): Int32Array {
  const places = Int32Array.from({ length: count }, (_, place) => place)
  for (let place = count - 1; place > 0; place--) {
    const other = random(place + 1)
    const swapped = places[place] as number
    places[place] = places[other] as number
    places[other] = swapped
  }
  return places
}
