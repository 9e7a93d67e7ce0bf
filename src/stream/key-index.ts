/** Keys lie at multiples of so many bytes. */
const unit = 4
/** Units in a slab of keys, of which there are as many as it takes; a key that is longer has one of its own. */
const slabBits = 14
const slabUnits = 1 << slabBits
/** A length up to here is one byte before the key, a greater one four bytes after a byte that says so. */
const longKey = 255

/**
 * Finds the places of keys, which are texts of one byte a character: a table of hashes in open addressing, with the bytes of the
 * keys beside it. It takes half the memory of a Map of texts, and nothing of it is the garbage collector's concern.
 */
export class KeyIndex {
  /** Nobody can choose keys whose hashes are equal. */
  readonly #seed = Math.floor(Math.random() * 2 ** 32)
  /** A place and 1, or 0. */
  #slots = new Int32Array(1024)
  /** By place: the hash of the key, and where it lies, in units. */
  #keys = new Uint32Array(2048)
  readonly #slabs: Uint8Array[] = []
  /** By length in units, where room was given back. */
  readonly #free = new Map<number, number[]>()
  /** Units of the last slab that are given away. */
  #filled = slabUnits
  #size = 0
  #keyUnits = 0
  /** The bytes of the key looked at last. */
  #bytes = new Uint8Array(0)
  #start = 0
  #length = 0

  get size(): number {
    return this.#size
  }

  /** Bytes that the keys take here. */
  get bytes(): number {
    return this.#slots.byteLength + this.#size * 8 + this.#keyUnits * unit
  }

  /** The place of a key, or -1. */
  find(key: string): number {
    const mask = this.#slots.length - 1
    const hash = hashOf(key, this.#seed)
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const place = (this.#slots[slot] as number) - 1
      if (place < 0) return -1
      if (this.#keys[2 * place] === hash && this.#isAt(place, key)) return place
    }
  }

  /** Gives a place to a key that has none. */
  add(key: string, place: number): void {
    if (this.#size * 4 >= this.#slots.length * 3) this.#grow()
    if (2 * place >= this.#keys.length) {
      const larger = new Uint32Array(2 * Math.ceil(place * 1.2 + 16))
      larger.set(this.#keys)
      this.#keys = larger
    }
    const hash = hashOf(key, this.#seed)
    this.#keys[2 * place] = hash
    this.#keys[2 * place + 1] = this.#store(key)
    this.#enter(hash, place)
    this.#size++
  }

  /** Forgets the key that has a place. */
  remove(place: number): void {
    const mask = this.#slots.length - 1
    let gap = (this.#keys[2 * place] as number) & mask
    while (this.#slots[gap] !== place + 1) gap = (gap + 1) & mask
    // Keys behind it move up, so that no gap stands between a key and the slot where its search begins.
    for (let next = (gap + 1) & mask; this.#slots[next] !== 0; next = (next + 1) & mask) {
      const begins = (this.#keys[2 * ((this.#slots[next] as number) - 1)] as number) & mask
      if (((next - begins) & mask) < ((next - gap) & mask)) continue
      this.#slots[gap] = this.#slots[next] as number
      gap = next
    }
    this.#slots[gap] = 0
    this.#size--
    this.#look(place)
    const units = unitsOf(this.#length)
    this.#keyUnits -= units
    const free = this.#free.get(units) ?? []
    free.push(this.#keys[2 * place + 1] as number)
    this.#free.set(units, free)
  }

  /** The bytes of the key that has a place, until it is forgotten. */
  bytesAt(place: number): Uint8Array {
    this.#look(place)
    return this.#bytes.subarray(this.#start, this.#start + this.#length)
  }

  #isAt(place: number, key: string): boolean {
    this.#look(place)
    const length = this.#length
    if (length !== key.length) return false
    const bytes = this.#bytes
    const start = this.#start
    for (let i = 0; i < length; i++) if (bytes[start + i] !== key.charCodeAt(i)) return false
    return true
  }

  #look(place: number): void {
    const at = this.#keys[2 * place + 1] as number
    const bytes = this.#slabs[at >>> slabBits] as Uint8Array<ArrayBuffer>
    const from = (at & (slabUnits - 1)) * unit
    const length = bytes[from] as number
    const isLong = length === longKey
    this.#bytes = bytes
    this.#length = isLong ? new DataView(bytes.buffer).getUint32(from + 1) : length
    this.#start = from + (isLong ? 5 : 1)
  }

  /** Writes a key down; where it lies. */
  #store(key: string): number {
    const { length } = key
    const units = unitsOf(length)
    this.#keyUnits += units
    const at = this.#free.get(units)?.pop() ?? this.#room(units)
    const bytes = this.#slabs[at >>> slabBits] as Uint8Array
    let to = (at & (slabUnits - 1)) * unit
    bytes[to++] = Math.min(length, longKey)
    if (length >= longKey) {
      new DataView(bytes.buffer).setUint32(to, length)
      to += 4
    }
    for (let i = 0; i < length; i++) bytes[to + i] = key.charCodeAt(i)
    return at
  }

  #room(units: number): number {
    if (this.#filled + units > slabUnits) {
      this.#slabs.push(new Uint8Array(Math.max(units, slabUnits) * unit))
      this.#filled = 0
    }
    const at = ((this.#slabs.length - 1) << slabBits) + this.#filled
    this.#filled += units
    return at >>> 0
  }

  #enter(hash: number, place: number): void {
    const mask = this.#slots.length - 1
    let slot = hash & mask
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
    this.#slots[slot] = place + 1
  }

  #grow(): void {
    const before = this.#slots
    this.#slots = new Int32Array(before.length * 2)
    for (const slot of before) if (slot !== 0) this.#enter(this.#keys[2 * (slot - 1)] as number, slot - 1)
  }
}

const unitsOf = (length: number): number => Math.ceil((length + (length >= longKey ? 5 : 1)) / unit)

/** FNV-1a from a seed, with the last step of MurmurHash3 to spread it over the low bits. */
function hashOf(key: string, seed: number): number {
  let hash = seed
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
