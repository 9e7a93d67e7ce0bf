export interface City {
  readonly country: string
  readonly latitude: number
  readonly longitude: number
  /** Hours that local time is ahead of UTC; no daylight saving. */
  readonly offset: number
  /** How many customers live here, in proportion. */
  readonly weight: number
}

export const cities: readonly City[] = [
  { country: 'GB', latitude: 51.5074, longitude: -0.1278, offset: 0, weight: 12 },
  { country: 'GB', latitude: 53.4808, longitude: -2.2426, offset: 0, weight: 5 },
  { country: 'GB', latitude: 55.9533, longitude: -3.1883, offset: 0, weight: 3 },
  { country: 'IE', latitude: 53.3498, longitude: -6.2603, offset: 0, weight: 3 },
  { country: 'FR', latitude: 48.8566, longitude: 2.3522, offset: 1, weight: 9 },
  { country: 'FR', latitude: 45.764, longitude: 4.8357, offset: 1, weight: 3 },
  { country: 'DE', latitude: 52.52, longitude: 13.405, offset: 1, weight: 8 },
  { country: 'DE', latitude: 53.5511, longitude: 9.9937, offset: 1, weight: 4 },
  { country: 'DE', latitude: 48.1351, longitude: 11.582, offset: 1, weight: 5 },
  { country: 'NL', latitude: 52.3676, longitude: 4.9041, offset: 1, weight: 4 },
  { country: 'ES', latitude: 40.4168, longitude: -3.7038, offset: 1, weight: 5 },
  { country: 'ES', latitude: 41.3874, longitude: 2.1686, offset: 1, weight: 4 },
  { country: 'IT', latitude: 41.9028, longitude: 12.4964, offset: 1, weight: 4 },
  { country: 'IT', latitude: 45.4642, longitude: 9.19, offset: 1, weight: 4 },
  { country: 'PL', latitude: 52.2297, longitude: 21.0122, offset: 1, weight: 3 },
  { country: 'FI', latitude: 60.1699, longitude: 24.9384, offset: 2, weight: 2 },
]

export const countries: readonly string[] = [...new Set(cities.map((city) => city.country))]

/** Where customers can collect what they ordered; also written to `stores.parquet`. Degrees, WGS 84. */
export const stores = [
  { store_id: 's01', latitude: 51.5142, longitude: -0.1494 },
  { store_id: 's02', latitude: 51.5432, longitude: -0.0063 },
  { store_id: 's03', latitude: 53.4839, longitude: -2.2383 },
  { store_id: 's04', latitude: 55.9524, longitude: -3.1965 },
  { store_id: 's05', latitude: 53.3418, longitude: -6.2597 },
  { store_id: 's06', latitude: 48.8738, longitude: 2.3295 },
  { store_id: 's07', latitude: 45.7609, longitude: 4.8573 },
  { store_id: 's08', latitude: 52.5019, longitude: 13.3414 },
  { store_id: 's09', latitude: 48.1374, longitude: 11.5755 },
  { store_id: 's10', latitude: 52.3731, longitude: 4.8926 },
  { store_id: 's11', latitude: 40.4203, longitude: -3.7058 },
  { store_id: 's12', latitude: 45.4641, longitude: 9.1919 },
] as const

/** A place up to about 12 km away, to four decimals of a degree. */
export function near(place: { latitude: number; longitude: number }, offset: () => number): { latitude: number; longitude: number } {
  return {
    latitude: (Math.round(place.latitude * 10_000) + offset()) / 10_000,
    longitude: (Math.round(place.longitude * 10_000) + offset()) / 10_000,
  }
}
