/** Files of a small shop that ends at a moment, so that windows read today are not empty. Equal moments give equal files. */
export interface SampleData {
  readonly orders: string
  readonly profiles: string
  readonly labels: string
  /** A customer that ordered in the last week. */
  readonly customer: string
}

const days = 120
const dayMillis = 86_400_000
const cities = ['Lyon', 'Porto', 'Gdansk', 'Malmo', 'Turin']

interface Order {
  readonly customer: string
  readonly at: number
  readonly kind: 'purchased' | 'returned'
  readonly cents: number
}

export function sampleData(end: Date): SampleData {
  const random = seeded(7)
  const start = end.getTime() - days * dayMillis
  const customers = Array.from({ length: 40 }, (_, index) => `c${String(index + 1).padStart(2, '0')}`)
  const orders = customers.flatMap((customer) => ordersOf(customer, start, end.getTime(), random)).sort((a, b) => a.at - b.at)
  const profiles = customers.flatMap((customer) => profilesOf(customer, start, random))
  const labels = customers.flatMap((customer) => labelsOf(customer, orders, start, random)).sort((a, b) => a.at - b.at)
  return {
    orders: csv(
      'order_id,customer_id,kind,total,at',
      orders.map(({ customer, at, kind, cents }, index) => [`o${index + 1}`, customer, kind, money(cents), iso(at)]),
    ),
    profiles: profiles.map((profile) => `${JSON.stringify(profile)}\n`).join(''),
    labels: csv(
      'customer_id,at,basket_total,ordered_again',
      labels.map(({ customer, at, cents, again }) => [customer, iso(at), money(cents), String(again)]),
    ),
    customer: orders.findLast(({ kind }) => kind === 'purchased')?.customer ?? 'c01',
  }
}

/** Customers differ in how often they order and in what they spend; one order in twelve comes back. */
function ordersOf(customer: string, start: number, end: number, random: () => number): Order[] {
  const pause = (2 + random() * 14) * dayMillis
  const typical = 1_500 + random() * 8_000
  const orders: Order[] = []
  for (let at = start + random() * pause; at < end; at += pause * (0.3 + 1.4 * random())) {
    const cents = Math.round(typical * (0.5 + random()))
    orders.push({ customer, at, kind: 'purchased', cents })
    const back = at + (1 + random() * 6) * dayMillis
    if (random() < 1 / 12 && back < end) orders.push({ customer, at: back, kind: 'returned', cents })
  }
  return orders
}

function profilesOf(customer: string, start: number, random: () => number): object[] {
  const city = () => cities[Math.floor(random() * cities.length)]
  const first = { customer_id: customer, city: city(), member: false, valid_from: iso(start - random() * 100 * dayMillis) }
  if (random() < 0.5) return [first]
  return [first, { ...first, city: city(), member: true, valid_from: iso(start + random() * 100 * dayMillis) }]
}

/** Some moments of each customer, each with the question whether an order followed within two weeks. */
function labelsOf(customer: string, orders: readonly Order[], start: number, random: () => number) {
  return Array.from({ length: 5 }, () => {
    const at = start + (20 + random() * (days - 35)) * dayMillis
    const again = orders.some(
      (order) => order.customer === customer && order.kind === 'purchased' && order.at >= at && order.at < at + 14 * dayMillis,
    )
    return { customer, at, cents: Math.round(1_000 + random() * 9_000), again: again ? 1 : 0 }
  })
}

const iso = (millis: number) => new Date(Math.floor(millis / 1000) * 1000).toISOString().replace('.000Z', 'Z')
const money = (cents: number) => (cents / 100).toFixed(2)
const csv = (header: string, rows: readonly (readonly string[])[]) =>
  [header, ...rows.map((row) => row.join(','))].map((line) => `${line}\n`).join('')

/** Numbers from 0 to 1, the same for the same seed (a linear congruential generator of 48 bits, as POSIX drand48). */
function seeded(seed: number): () => number {
  let state = (BigInt(seed) << 16n) | 0x330en
  return () => {
    state = (state * 0x5deece66dn + 0xbn) & 0xffff_ffff_ffffn
    return Number(state) / 2 ** 48
  }
}
