import { existsSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { madeOnce } from '../made-once.ts'
import { run } from '../run.ts'

/** The broker that tests run against, Kafka Streams for benchmarks, and the small logger that tells when the broker is ready. */
const version = '4.3.1'
const logger = 'org.slf4j:slf4j-simple:1.7.36'
const broker = [`org.apache.kafka:kafka_2.13:${version}`, logger]
const streams = [`org.apache.kafka:kafka-streams:${version}`, logger]

/** Apache Kafka's brokers need it. */
const oldestJava = 17

type Archives = { readonly folder: string } | { readonly missing: string }

/** Where the broker's Java archives lie. They are fetched once, from Maven Central or what the machine's settings put in its place. */
export const kafkaArchives = (): Promise<Archives> => archivesOf(broker)

/** Those of Kafka Streams, and whatever runs a program of one Java file. */
export async function kafkaStreamsArchives(): Promise<Archives> {
  if ((await versionOf('javac', ['-version'], /javac (\d+)/)) === undefined) return { missing: 'there is no Java compiler' }
  return await archivesOf(streams)
}

async function archivesOf(artifacts: readonly string[]): Promise<Archives> {
  const java = await versionOf('java', ['-version'], /version "(\d+)/)
  if (java === undefined) return { missing: 'there is no Java' }
  if (java < oldestJava) return { missing: `Java ${java} is too old, Kafka needs ${oldestJava}` }
  const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  const folder = join(caches, 'lockstep', artifacts.map((artifact) => artifact.split(':').slice(1).join('-')).join('_'))
  if (existsSync(folder)) return { folder }
  if ((await versionOf('mvn', ['-v'], /Apache Maven (\d+)/)) === undefined) return { missing: 'there is no Maven to fetch Kafka' }
  const problem = await fetchInto(folder, artifacts)
  return problem === undefined ? { folder } : { missing: `Maven cannot fetch Kafka: ${problem}` }
}

async function versionOf(program: string, programArguments: readonly string[], pattern: RegExp): Promise<number | undefined> {
  try {
    const { stdout, stderr } = await run(program, programArguments, { cwd: homedir(), timeoutSeconds: 30 })
    const found = pattern.exec(stdout + stderr)?.[1]
    return found === undefined ? undefined : Number(found)
  } catch {
    return undefined
  }
}

async function fetchInto(folder: string, artifacts: readonly string[]): Promise<string | undefined> {
  try {
    await madeOnce(folder, async (partial) => {
      writeFileSync(join(partial, 'pom.xml'), project(artifacts))
      const maven = ['-q', '-B', 'dependency:copy-dependencies', '-DincludeScope=runtime', '-DoutputDirectory=.']
      const { code, stdout, stderr } = await run('mvn', maven, { cwd: partial, timeoutSeconds: 600 })
      if (code !== 0) throw new Error(/\[ERROR\] (.*)/.exec(stdout + stderr)?.[1] ?? `it ended with code ${code}`)
    })
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

function project(artifacts: readonly string[]): string {
  const dependencies = artifacts.map((artifact) => {
    const [group, name, version] = artifact.split(':')
    return `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`
  })
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>lockstep</groupId><artifactId>kafka</artifactId><version>1</version>
  <dependencies>${dependencies.join('')}</dependencies>
</project>
`
}
