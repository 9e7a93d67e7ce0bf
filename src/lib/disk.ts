import { constants, fstatSync, readSync } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { LockstepError } from '../errors.ts'

/**
 * What a durable log needs of a file system. Nothing is promised to survive a loss of power before it is synced: bytes by
 * `DiskFile.sync`, names by `syncFolder`. What fails throws `STORE_UNAVAILABLE`.
 */
export interface Disk {
  /** A file to read and to write, made where it is not there. */
  create(path: string): Promise<DiskFile>
  /** A file to read; null where it is not there. */
  open(path: string): Promise<DiskFile | null>
  /** The names in a folder; none where it is not there. */
  list(folder: string): Promise<string[]>
  /** Makes a folder and those above it, all of them synced. */
  makeFolder(folder: string): Promise<void>
  /** Waits until the names in a folder are on the disk. */
  syncFolder(folder: string): Promise<void>
  /** In one step, also where `to` is there. */
  rename(from: string, to: string): Promise<void>
  /** Nothing where the file is not there. */
  remove(path: string): Promise<void>
  /** A lock by this name; its folder is there, its file belongs to the lock. */
  lock(path: string): Promise<DiskLock>
}

export interface DiskFile {
  /** Fills the target from a position on, and resolves to how many bytes there were. */
  read(position: number, target: Uint8Array): Promise<number>
  /** Writes all bytes at a position, behind the end too. */
  write(position: number, bytes: Uint8Array): Promise<void>
  truncate(size: number): Promise<void>
  /** Waits until all that was written is on the disk. */
  sync(): Promise<void>
  size(): Promise<number>
  close(): Promise<void>
}

/** Held by one holder at a time, of all processes. It ends with its process, however that ends. */
export interface DiskLock {
  /** Takes the lock unless it is held, be it by this object; tells whether it did. */
  tryAcquire(): Promise<boolean>
  release(): Promise<void>
  /** Releases it too. */
  close(): Promise<void>
}

/** The disk of the machine. */
export const localDisk: Disk = {
  async create(path) {
    // Not 'a+', which ignores positions, nor 'w+', which empties the file.
    return new LocalFile(path, await told(path, opened(path, constants.O_RDWR).catch(ifAbsent(() => created(path)))))
  },
  async open(path) {
    const handle = await told(path, opened(path, constants.O_RDONLY).catch(ifAbsent(() => null)))
    return handle && new LocalFile(path, handle)
  },
  list: (folder) => told(folder, readdir(folder).catch(ifAbsent(() => []))),
  makeFolder: (folder) => told(folder, made(folder)),
  syncFolder: (folder) => told(folder, synced(folder)),
  rename: (from, to) => told(to, rename(from, to)),
  remove: (path) => told(path, rm(path, { force: true })),
  lock: (path) => new Promise((resolve) => resolve(new LocalLock(path))),
}

/** So few bytes are read without a thread, which costs fifty times as much: they are polled for, or were just written, and so in memory. */
const atOnce = 256 * 1024

class LocalFile implements DiskFile {
  readonly #path: string
  readonly #handle: FileHandle

  constructor(path: string, handle: FileHandle) {
    this.#path = path
    this.#handle = handle
  }

  async read(position: number, target: Uint8Array): Promise<number> {
    if (target.length <= atOnce) return this.#now((descriptor) => readSync(descriptor, target, 0, target.length, position))
    let done = 0
    while (done < target.length) {
      const { bytesRead } = await told(this.#path, this.#handle.read(target, done, target.length - done, position + done))
      if (bytesRead === 0) break
      done += bytesRead
    }
    return done
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await told(this.#path, this.#handle.write(bytes, done, bytes.length - done, position + done))
      done += bytesWritten
    }
  }

  truncate(size: number): Promise<void> {
    return told(this.#path, this.#handle.truncate(size))
  }

  sync(): Promise<void> {
    return told(this.#path, this.#handle.datasync())
  }

  size(): Promise<number> {
    return this.#now((descriptor) => fstatSync(descriptor).size)
  }

  close(): Promise<void> {
    return told(this.#path, this.#handle.close())
  }

  #now<T>(work: (descriptor: number) => T): Promise<T> {
    return told(this.#path, new Promise((resolve) => resolve(work(this.#handle.fd))))
  }
}

/** SQLITE_BUSY: another connection holds the lock. */
const busy = 5

/** A lock of a SQLite database that stays empty: those are locks of the operating system, which Node.js has no other way to. */
class LocalLock implements DiskLock {
  readonly #path: string
  readonly #database: DatabaseSync

  constructor(path: string) {
    this.#path = path
    try {
      this.#database = new DatabaseSync(path, { timeout: 0 })
    } catch (cause) {
      throw unavailable(path, cause)
    }
  }

  tryAcquire(): Promise<boolean> {
    if (this.#database.isTransaction) return Promise.resolve(false)
    try {
      this.#database.exec('BEGIN EXCLUSIVE')
      return Promise.resolve(true)
    } catch (cause) {
      if ((cause as { errcode?: number }).errcode === busy) return Promise.resolve(false)
      return Promise.reject(unavailable(this.#path, cause))
    }
  }

  release(): Promise<void> {
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
    return Promise.resolve()
  }

  close(): Promise<void> {
    if (this.#database.isOpen) this.#database.close()
    return Promise.resolve()
  }
}

/**
 * Reading leaves no trace: to note when a file was read last, one would wait while the file system commits what others write. A file
 * of another user cannot be opened so.
 */
function opened(path: string, flags: number): Promise<FileHandle> {
  return open(path, flags | (constants.O_NOATIME ?? 0)).catch((error) => {
    if ((error as NodeJS.ErrnoException).code === 'EPERM') return open(path, flags)
    throw error
  })
}

/** Another process may make it at the same time. */
async function created(path: string): Promise<FileHandle> {
  const { O_RDWR, O_CREAT, O_EXCL } = constants
  return await opened(path, O_RDWR | O_CREAT | O_EXCL).catch((error) => {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return opened(path, O_RDWR)
    throw error
  })
}

async function made(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true })
  if (first === undefined) return
  for (let each = folder; each.length >= first.length; each = dirname(each)) await synced(dirname(each))
}

async function synced(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const ifAbsent =
  <T>(otherwise: () => T) =>
  (error: unknown): T => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return otherwise()
    throw error
  }

async function told<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    throw unavailable(path, cause)
  }
}

const unavailable = (path: string, cause: unknown): LockstepError =>
  new LockstepError('STORE_UNAVAILABLE', `The disk failed: ${(cause as Error).message}`, { where: path, cause })
