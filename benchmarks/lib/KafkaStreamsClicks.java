import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.ReadOnlyWindowStore;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowStore;

/**
 * The job of the benchmark `stream` on Kafka Streams: clicks of JSON from a topic, by user count and sum over 30 minutes and average,
 * maximum and count over an hour, exact at any moment, exactly once.
 *
 * Sliding windows of Kafka Streams' DSL write a result for every window that an event changes, which is another job. So this is a
 * processor with a window store that keeps each event of the last hour and the lateness, by user and time: in memory, with a changelog
 * in Kafka, committed every 3 seconds as Lockstep does while it is behind. As in Lockstep, what a moment asks for is computed when it
 * is read, from the events of its window; nothing is computed when an event comes. Moments of JSON are read by hand, as in Lockstep.
 *
 * It prints the seconds and those of processor time from the start until the last event is in the store (its last commit is not waited
 * for), then the features of some users at one moment.
 *
 * Arguments: brokers, topic, events in it, folder for its files, the moment in milliseconds, users to print.
 */
public class KafkaStreamsClicks {
  static final String STORE = "clicks-by-user";
  static final Duration HOUR = Duration.ofHours(1);
  static final Duration LATENESS = Duration.ofMinutes(1);

  record Click(long user, double amount, long at) {}

  static final JsonFactory JSON = new JsonFactory();

  static Click parse(byte[] value) throws java.io.IOException {
    long user = 0;
    double amount = 0;
    long at = 0;
    try (JsonParser parser = JSON.createParser(value)) {
      parser.nextToken();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String name = parser.currentName();
        parser.nextToken();
        switch (name) {
          case "user_id" -> user = parser.getLongValue();
          case "amount" -> amount = parser.getDoubleValue();
          case "at" -> at = moment(parser.getTextCharacters(), parser.getTextOffset(), parser.getTextLength());
          default -> parser.skipChildren();
        }
      }
    }
    return new Click(user, amount, at);
  }

  /** `2026-01-05T10:00:00Z`, perhaps with a fraction, as milliseconds. */
  static long moment(char[] text, int at, int length) {
    long day = LocalDate.of(number(text, at, 4), number(text, at + 5, 2), number(text, at + 8, 2)).toEpochDay();
    int seconds = number(text, at + 11, 2) * 3600 + number(text, at + 14, 2) * 60 + number(text, at + 17, 2);
    int millis = length > 20 ? number(text, at + 20, 3) : 0;
    return (day * 86_400 + seconds) * 1000 + millis;
  }

  static int number(char[] text, int from, int count) {
    int value = 0;
    for (int at = from; at < from + count; at++) value = value * 10 + text[at] - '0';
    return value;
  }

  static byte[] keyOf(long user) {
    return ByteBuffer.allocate(8).putLong(user).array();
  }

  static class Keep implements Processor<byte[], byte[], Void, Void> {
    final AtomicLong taken;
    final CountDownLatch done;
    final long total;
    WindowStore<byte[], byte[]> store;

    Keep(AtomicLong taken, long total, CountDownLatch done) {
      this.taken = taken;
      this.total = total;
      this.done = done;
    }

    @Override
    public void init(ProcessorContext<Void, Void> context) {
      store = context.getStateStore(STORE);
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
      try {
        Click click = parse(record.value());
        store.put(keyOf(click.user()), ByteBuffer.allocate(8).putDouble(click.amount()).array(), click.at());
      } catch (java.io.IOException error) {
        throw new RuntimeException(error);
      }
      if (taken.incrementAndGet() == total) done.countDown();
    }
  }

  /** The five features of a user at a moment: events after `at` less the window, up to `at`. */
  static String features(ReadOnlyWindowStore<byte[], byte[]> store, long user, long at) {
    long half = 0, hour = 0;
    double halfSum = 0, hourSum = 0, most = Double.NEGATIVE_INFINITY;
    try (var events = store.fetch(keyOf(user), Instant.ofEpochMilli(at - HOUR.toMillis() + 1), Instant.ofEpochMilli(at))) {
      while (events.hasNext()) {
        var event = events.next();
        double amount = ByteBuffer.wrap(event.value).getDouble();
        hour++;
        hourSum += amount;
        most = Math.max(most, amount);
        if (event.key > at - HOUR.toMillis() / 2) {
          half++;
          halfSum += amount;
        }
      }
    }
    return user + " " + half + " " + halfSum + " " + (hour == 0 ? "null" : hourSum / hour) + " " + (hour == 0 ? "null" : most) + " " + hour;
  }

  static long processorNanos() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
  }

  public static void main(String[] arguments) throws Exception {
    String topic = arguments[1];
    long total = Long.parseLong(arguments[2]);
    long at = Long.parseLong(arguments[4]);
    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "clicks-" + System.nanoTime());
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, arguments[3]);
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 3000);
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
    settings.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
    CountDownLatch done = new CountDownLatch(1);
    AtomicLong taken = new AtomicLong();
    var bytes = Serdes.ByteArray();
    var supplier = Stores.inMemoryWindowStore(STORE, HOUR.plus(LATENESS), HOUR, true);
    Topology topology = new Topology();
    topology.addSource("clicks", bytes.deserializer(), bytes.deserializer(), topic);
    topology.addProcessor("keep", () -> new Keep(taken, total, done), "clicks");
    topology.addStateStore(Stores.windowStoreBuilder(supplier, bytes, bytes).withLoggingEnabled(Map.of()), "keep");
    KafkaStreams streams = new KafkaStreams(topology, settings);
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      Runtime.getRuntime().halt(1);
      return null;
    });
    CountDownLatch running = new CountDownLatch(1);
    streams.setStateListener((now, before) -> {
      if (now == KafkaStreams.State.RUNNING) running.countDown();
    });
    long started = System.nanoTime();
    long used = processorNanos();
    streams.start();
    running.await();
    done.await();
    double seconds = (System.nanoTime() - started) / 1e9;
    double processor = (processorNanos() - used) / 1e9;
    var store = streams.store(StoreQueryParameters.fromNameAndType(STORE, QueryableStoreTypes.<byte[], byte[]>windowStore()));
    System.out.println(seconds + " " + processor);
    for (String user : Arrays.copyOfRange(arguments, 5, arguments.length)) System.out.println(features(store, Long.parseLong(user), at));
    streams.close();
  }
}
