/** `1,234,567` */
export const formatCount = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ',')

/** `1 row`, `2,000 rows` */
export const countOf = (count: number, one: string, many = `${one}s`): string => `${formatCount(count)} ${count === 1 ? one : many}`

/** `0.42 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h` */
export function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(2)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  if (whole >= 172_800) return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}

/** `812 B`, `3.4 MiB` */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)))
  return power === 0 ? `${bytes} B` : `${(bytes / 1024 ** power).toFixed(1)} ${units[power]}`
}

/** `12.3 %` */
export const formatShare = (share: number): string => `${(share * 100).toFixed(1)} %`

/** A public value as people read it: texts as they are, the rest as JSON. */
export function formatValue(value: unknown): string {
  return typeof value === 'string' ? value : toJson(value)
}

/** JSON of public values: an int64 is a text of its digits, a vector an array, what JSON cannot hold (NaN) a text. */
export function toJson(value: unknown, indent = 0): string {
  return JSON.stringify(value, (_name, member: unknown) => jsonMember(member), indent) ?? 'null'
}

function jsonMember(member: unknown): unknown {
  if (typeof member === 'bigint') return String(member)
  if (member instanceof Float32Array) return [...member]
  return typeof member === 'number' && !Number.isFinite(member) ? String(member) : member
}
