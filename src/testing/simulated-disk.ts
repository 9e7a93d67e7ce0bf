import { dirname } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { LockstepError } from '../errors.ts'
import type { Disk, DiskFile, DiskLock } from '../lib/disk.ts'
import { seededRandom } from './seeded-random.ts'
import { SimulatedFile } from './simulated-file.ts'

export type DiskOperation = 'create' | 'open' | 'list' | 'makeFolder' | 'syncFolder' | 'rename' | 'remove' | FileOperation | 'lock'
export type FileOperation = 'read' | 'write' | 'truncate' | 'sync' | 'size' | 'close'

/** Called before each operation: it may wait, to be slow, or throw, to fail. */
export type BeforeOperation = (operation: DiskOperation, path: string) => Promise<void> | void

interface NameChange {
  readonly folder: string
  readonly names: readonly { readonly path: string; readonly before: SimulatedFile | undefined }[]
}

/**
 * A disk in memory that forgets as real ones do: when the machine crashes, writes and names that were not synced are there, or not,
 * or in part. Chance decides, the same way for the same seed and the same calls.
 */
export class SimulatedDisk {
  readonly #random: (below: number) => number
  readonly #files = new Map<string, SimulatedFile>()
  readonly #folders = new Set<string>()
  /** Changes of names that are not synced, in order. */
  #unsynced: NameChange[] = []
  readonly #processes = new Set<SimulatedProcess>()
  readonly #locks = new Map<string, SimulatedLock>()
  #stepsLeft = Number.POSITIVE_INFINITY
  before: BeforeOperation = () => {}

  constructor(seed: number) {
    this.#random = seededRandom(seed)
  }

  /** The disk as a new process has it. */
  process(): SimulatedProcess {
    const process: SimulatedProcess = new SimulatedProcess(this)
    this.#processes.add(process)
    return process
  }

  /** The machine crashes within the operation after so many more. */
  crashAfter(operations: number): void {
    this.#stepsLeft = operations
  }

  /** The machine loses its power: all processes die, and what was not synced is lost, torn or kept. */
  crash(): void {
    this.#stepsLeft = Number.POSITIVE_INFINITY
    for (const process of [...this.#processes]) this.kill(process)
    const kept = this.#random(this.#unsynced.length + 1)
    for (const { names } of this.#unsynced.slice(kept).reverse()) for (const { path, before } of names) this.#setName(path, before)
    this.#unsynced = []
    for (const file of new Set(this.#files.values())) file.crash(this.#random)
  }

  /** A process dies; the disk keeps all that it has written. */
  kill(process: SimulatedProcess): void {
    this.#processes.delete(process)
    for (const [path, lock] of this.#locks) if (lock.process === process) this.#locks.delete(path)
  }

  /** Does an operation of a process, at a moment that chance decides. */
  async step<T>(process: SimulatedProcess, operation: DiskOperation, path: string, work: () => T): Promise<T> {
    await this.before(operation, path)
    if (this.#random(4) === 0) await setImmediate()
    this.#checkAlive(process, path)
    const result = work()
    if (this.#stepsLeft-- <= 0) this.crash()
    this.#checkAlive(process, path)
    return result
  }

  file(path: string): SimulatedFile | undefined {
    return this.#files.get(path)
  }

  create(path: string): SimulatedFile {
    const there = this.#files.get(path)
    if (there !== undefined) return there
    if (!this.#folders.has(dirname(path))) throw unavailable(path, 'there is no such folder')
    const file = new SimulatedFile()
    this.#change(dirname(path), [[path, file]])
    return file
  }

  list(folder: string): string[] {
    const paths = [...this.#files.keys(), ...this.#folders]
    return paths.filter((path) => dirname(path) === folder && path !== folder).map((path) => path.slice(folder.length + 1))
  }

  makeFolder(folder: string): void {
    for (let path = folder; !this.#folders.has(path); path = dirname(path)) this.#folders.add(path)
  }

  syncFolder(folder: string): void {
    this.#unsynced = this.#unsynced.filter((change) => change.folder !== folder)
  }

  rename(from: string, to: string): void {
    const file = this.#files.get(from)
    if (file === undefined) throw unavailable(from, 'there is no such file')
    this.#change(dirname(to), [
      [from, undefined],
      [to, file],
    ])
  }

  remove(path: string): void {
    if (this.#files.has(path)) this.#change(dirname(path), [[path, undefined]])
  }

  acquire(lock: SimulatedLock): boolean {
    if (this.#locks.has(lock.path)) return false
    this.#locks.set(lock.path, lock)
    return true
  }

  release(lock: SimulatedLock): void {
    if (this.#locks.get(lock.path) === lock) this.#locks.delete(lock.path)
  }

  #change(folder: string, names: readonly (readonly [path: string, file: SimulatedFile | undefined])[]): void {
    this.#unsynced.push({ folder, names: names.map(([path]) => ({ path, before: this.#files.get(path) })) })
    for (const [path, file] of names) this.#setName(path, file)
  }

  #setName(path: string, file: SimulatedFile | undefined): void {
    if (file === undefined) this.#files.delete(path)
    else this.#files.set(path, file)
  }

  #checkAlive(process: SimulatedProcess, path: string): void {
    if (!this.#processes.has(process)) throw unavailable(path, 'the process is dead')
  }
}

/** A process of the simulated machine. After its death whatever it asks of the disk is refused. */
export class SimulatedProcess implements Disk {
  readonly #disk: SimulatedDisk

  constructor(disk: SimulatedDisk) {
    this.#disk = disk
  }

  kill(): void {
    this.#disk.kill(this)
  }

  async create(path: string): Promise<DiskFile> {
    const file = await this.#step('create', path, () => this.#disk.create(path))
    return this.#opened(path, file)
  }

  async open(path: string): Promise<DiskFile | null> {
    const file = await this.#step('open', path, () => this.#disk.file(path))
    return file === undefined ? null : this.#opened(path, file)
  }

  list(folder: string): Promise<string[]> {
    return this.#step('list', folder, () => this.#disk.list(folder))
  }

  makeFolder(folder: string): Promise<void> {
    return this.#step('makeFolder', folder, () => this.#disk.makeFolder(folder))
  }

  syncFolder(folder: string): Promise<void> {
    return this.#step('syncFolder', folder, () => this.#disk.syncFolder(folder))
  }

  rename(from: string, to: string): Promise<void> {
    return this.#step('rename', to, () => this.#disk.rename(from, to))
  }

  remove(path: string): Promise<void> {
    return this.#step('remove', path, () => this.#disk.remove(path))
  }

  lock(path: string): Promise<DiskLock> {
    return this.#step('lock', path, () => new SimulatedLock(this.#disk, this, path))
  }

  #step<T>(operation: DiskOperation, path: string, work: () => T): Promise<T> {
    return this.#disk.step(this, operation, path, work)
  }

  #opened(path: string, file: SimulatedFile): DiskFile {
    return {
      read: (position, target) => this.#step('read', path, () => file.read(position, target)),
      write: (position, bytes) => this.#step('write', path, () => file.write(position, bytes)),
      truncate: (size) => this.#step('truncate', path, () => file.truncate(size)),
      sync: () => this.#step('sync', path, () => file.sync()),
      size: () => this.#step('size', path, () => file.size),
      close: () => this.#step('close', path, () => {}),
    }
  }
}

class SimulatedLock implements DiskLock {
  readonly #disk: SimulatedDisk
  readonly process: SimulatedProcess
  readonly path: string

  constructor(disk: SimulatedDisk, process: SimulatedProcess, path: string) {
    this.#disk = disk
    this.process = process
    this.path = path
  }

  tryAcquire(): Promise<boolean> {
    return this.#disk.step(this.process, 'lock', this.path, () => this.#disk.acquire(this))
  }

  release(): Promise<void> {
    return this.#disk.step(this.process, 'lock', this.path, () => this.#disk.release(this))
  }

  close(): Promise<void> {
    return this.release()
  }
}

const unavailable = (path: string, why: string): LockstepError =>
  new LockstepError('STORE_UNAVAILABLE', `The disk failed: ${why}`, { where: path })
