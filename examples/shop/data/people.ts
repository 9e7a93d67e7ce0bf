import { categories } from './assortment.ts'
import { cities, countries, near } from './places.ts'
import { type Random, WeightedChoice, zipfWeights } from './random.ts'
import { day, type Span, second } from './span.ts'
import type { Sink } from './staging.ts'

export interface Person {
  readonly signedUp: number
  /** Where the person lives, from each moment on; the oldest first. */
  readonly homes: readonly Home[]
  /** Categories by place, the dearest first. */
  readonly favourites: readonly [number, number, number]
  /** Cents for one item above which the person hesitates. */
  readonly budget: number
  /** How readily the person buys, about 0.3 to 1.5. */
  readonly eagerness: number
  /** How readily the person sends back, 0 to 0.3. */
  readonly fussiness: number
}

export interface Home {
  readonly from: number
  readonly latitude: number
  readonly longitude: number
  readonly offset: number
}

/** Customers and the rows of their profiles: some move house, some tell their year of birth later. */
export function createPeople(random: Random, count: number, span: Span, sink: Sink): Person[] {
  const cityWeights = new WeightedChoice(cities.map((city) => city.weight))

  const settle = (from: number): { country: number; home: Home } => {
    const city = cities[cityWeights.pick(random)] as (typeof cities)[number]
    const place = near(city, () => random.between(-800, 800))
    return { country: countries.indexOf(city.country), home: { from, ...place, offset: city.offset } }
  }

  return Array.from({ length: count }, (_, user_id) => {
    const signedUp = random.chance(0.7) ? span.from - random.below(3 * 365 * day) - 1 : random.between(span.from, span.to - 1)
    let { country, home } = settle(signedUp)
    let birthYear = random.chance(0.1) ? null : random.between(1946, 2008)
    const homes = [home]

    const record = (at: number) => {
      const created = at + (random.chance(0.05) ? random.below(day) : random.below(5 * second))
      const { latitude, longitude } = home
      sink.write('users', { user_id, signed_up: signedUp, country, latitude, longitude, birth_year: birthYear, at, created }, created)
    }

    record(signedUp)
    let at = signedUp
    while (random.chance(0.2) && at < span.to - 1) {
      at = random.between(at + 1, span.to - 1)
      if (birthYear === null) birthYear = random.between(1946, 2008)
      else {
        ;({ country, home } = settle(at))
        homes.push(home)
      }
      record(at)
    }

    return {
      signedUp,
      homes,
      favourites: [random.below(categories.length), random.below(categories.length), random.below(categories.length)],
      budget: 1_000 + random.heavyTail(4_000, 60_000),
      eagerness: 0.3 + random.unit() * 1.2,
      fussiness: random.unit() * random.unit() * 0.3,
    }
  })
}

/** Where a person lives at a moment (before signing up: at first). */
export function homeAt(person: Person, at: number): Home {
  return person.homes.findLast((home) => home.from <= at) ?? (person.homes[0] as Home)
}

/** Who comes: a few people come very often, most now and then. */
export function visitorChoice(random: Random, count: number): WeightedChoice {
  const weights = zipfWeights(count, 20)
  for (let last = count - 1; last > 0; last--) {
    const other = random.below(last + 1)
    ;[weights[last], weights[other]] = [weights[other] as number, weights[last] as number]
  }
  return new WeightedChoice(weights)
}
