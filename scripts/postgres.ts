/** `npm run postgres -- --port 0`: PostgreSQL on this machine, for tests and trials, until the process ends. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { freePort } from './kafka/broker.ts'
import { postgresPrograms } from './postgres/programs.ts'
import { killServer, makeDatabases, password, type ServerPlan, startServer, user } from './postgres/server.ts'

export interface Postgres {
  /** `postgres://user:password@host:port/database` of a user who may do everything. */
  readonly url: string
  /** Kills the server and starts it again over the same data, at the same port. */
  restart(whileDown?: () => Promise<void>): Promise<void>
  /** Kills the server and removes its data. */
  stop(): Promise<void>
}

export interface PostgresOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number
}

const attempts = 3

/**
 * Starts a server of its own. Where the machine has none and cannot fetch one, it says so, and tests are skipped, by name
 * and with the reason. What can be installed is.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres | { readonly skipped: string }> {
  const programs = await postgresPrograms()
  if ('missing' in programs) return { skipped: programs.missing }
  // The free port may be taken by another before the server has it.
  for (let attempt = 1; ; attempt++) {
    try {
      const folder = mkdtempSync(join(tmpdir(), 'lockstep-postgres-'))
      return await start({ programs, folder, port: options.port || (await freePort()) })
    } catch (error) {
      if (attempt === attempts) throw error
    }
  }
}

async function start(plan: ServerPlan): Promise<Postgres> {
  const remove = () => rmSync(plan.folder, { recursive: true, force: true, maxRetries: 3 })
  try {
    await makeDatabases(plan)
    let server = await startServer(plan)
    process.once('exit', remove)
    return {
      url: `postgres://${user}:${password}@127.0.0.1:${plan.port}/postgres`,
      async restart(whileDown) {
        await killServer(server)
        await whileDown?.()
        server = await startServer(plan)
      },
      async stop() {
        await killServer(server)
        process.off('exit', remove)
        remove()
      },
    }
  } catch (error) {
    remove()
    throw error
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '5432' } } })
  const postgres = await startPostgres({ port: Number(values.port) })
  if ('skipped' in postgres) {
    console.error(`PostgreSQL cannot be started: ${postgres.skipped}`)
    process.exitCode = 1
  } else {
    console.log(`PostgreSQL serves at ${postgres.url} until Ctrl+C`)
    const keep = setInterval(() => undefined, 60_000)
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        clearInterval(keep)
        void postgres.stop()
      })
    }
  }
}
