import CoreMetrics
import Observability
import Testing

@Suite(.timeLimit(.minutes(1)))
struct PrometheusRegistryTests {
    private let registry = PrometheusRegistry()
    private var factory: PrometheusMetricsFactory { PrometheusMetricsFactory(registry) }

    private func lines(_ prefix: String) -> [String] {
        String(decoding: registry.text(), as: UTF8.self)
            .split(separator: "\n").map(String.init).filter { $0.contains(prefix) }
    }

    @Test func countersAddUpWholeAndFractionalIncrements() {
        registry.describe("orders_total", "Orders\nplaced \\ taken.")
        let counter = factory.makeCounter(label: "orders", dimensions: [])
        counter.increment(by: 3)
        counter.increment(by: 4)
        #expect(
            lines("orders") == [
                #"# HELP orders_total Orders\nplaced \\ taken."#, "# TYPE orders_total counter",
                "orders_total 7",
            ])

        factory.makeFloatingPointCounter(label: "orders_total", dimensions: []).increment(by: 0.5)
        #expect(lines("orders_total 7.5").count == 1)

        counter.increment(by: -5)
        #expect(lines("orders_total 7.5").count == 1)

        counter.reset()
        #expect(lines("orders_total 0").count == 1)
    }

    @Test func gaugesAndMetersKeepTheLastValue() {
        let gauge = factory.makeRecorder(label: "queue.length", dimensions: [], aggregate: false)
        gauge.record(Int64(5))
        gauge.record(2.25)
        let meter = factory.makeMeter(label: "workers", dimensions: [])
        meter.set(Int64(10))
        meter.increment(by: 2)
        meter.decrement(by: 5)

        #expect(lines("queue_length") == ["# TYPE queue_length gauge", "queue_length 2.25"])
        #expect(lines("workers") == ["# TYPE workers gauge", "workers 7"])
    }

    @Test func timersAreHistogramsOfSeconds() {
        let timer = factory.makeTimer(label: "call", dimensions: [("to", "sandbox")])
        timer.recordNanoseconds(50_000)
        timer.recordNanoseconds(100_000)
        timer.recordNanoseconds(2_000_000_000)
        timer.recordNanoseconds(90_000_000_000)
        timer.recordNanoseconds(-1)

        let text = lines("call_seconds")
        #expect(text.first == "# TYPE call_seconds histogram")
        #expect(text.contains(#"call_seconds_bucket{to="sandbox",le="0.0001"} 3"#))
        #expect(text.contains(#"call_seconds_bucket{to="sandbox",le="1"} 3"#))
        #expect(text.contains(#"call_seconds_bucket{to="sandbox",le="2.5"} 4"#))
        #expect(text.contains(#"call_seconds_bucket{to="sandbox",le="30"} 4"#))
        #expect(text.contains(#"call_seconds_bucket{to="sandbox",le="+Inf"} 5"#))
        #expect(text.contains(#"call_seconds_sum{to="sandbox"} 92.00015"#))
        #expect(text.last == #"call_seconds_count{to="sandbox"} 5"#)
    }

    @Test func recordersUseTheBucketsOfTheirUnit() {
        let recorder = factory.makeRecorder(label: "body_bytes", dimensions: [], aggregate: true)
        recorder.record(Int64(64))
        recorder.record(65.5)
        recorder.record(.nan)

        #expect(lines(#"body_bytes_bucket{le="64"} 1"#).count == 1)
        #expect(lines(#"body_bytes_bucket{le="256"} 2"#).count == 1)
        #expect(lines("body_bytes_sum 129.5").count == 1)
        #expect(lines("body_bytes_count 2").count == 1)
    }

    @Test func namesAndLabelsAreMadeLegal() {
        factory.makeCounter(
            label: "http.requests-für", dimensions: [("Route.name", "/a\"b\\c\nd"), ("le", "1")]
        ).increment(by: 1)
        factory.makeCounter(label: "5xx", dimensions: []).increment(by: 1)

        #expect(
            lines("http_requests_f__r_total{").first
                == #"http_requests_f__r_total{Route_name="/a\"b\\c\nd",label_le="1"} 1"#)
        #expect(lines("_5xx_total 1").count == 1)
    }

    @Test func theOrderOfLabelsDoesNotMatter() {
        factory.makeCounter(label: "hits", dimensions: [("a", "1"), ("b", "2")]).increment(by: 1)
        factory.makeCounter(label: "hits", dimensions: [("b", "2"), ("a", "1")]).increment(by: 1)

        #expect(lines("hits_total{") == [#"hits_total{a="1",b="2"} 2"#])
    }

    @Test func seriesOverTheLimitAreCountedTogether() {
        var configuration = PrometheusRegistry.Configuration()
        configuration.seriesPerMetricMaximum = 10
        let registry = PrometheusRegistry(configuration: configuration)
        let factory = PrometheusMetricsFactory(registry)
        for index in 0..<1000 {
            factory.makeCounter(label: "users", dimensions: [("id", "\(index)")]).increment(by: 1)
        }

        let text = String(decoding: registry.text(), as: UTF8.self)
        let series = text.split(separator: "\n").filter { $0.hasPrefix("users_total{") }
        #expect(series.count == 11)
        #expect(series.contains(#"users_total{id="_overflow"} 990"#))
        #expect(text.contains("metrics_series_refused_total 990\n"))
    }

    @Test func aNameOfAnotherTypeWorksButIsNotShown() {
        factory.makeCounter(label: "size_total", dimensions: []).increment(by: 1)
        factory.makeMeter(label: "size_total", dimensions: []).set(Int64(99))

        #expect(lines("size_total") == ["# TYPE size_total counter", "size_total 1"])
        #expect(lines("metrics_series_refused_total 1").count == 1)
    }

    @Test func destroyedSeriesDisappear() {
        let counter = factory.makeCounter(label: "gone", dimensions: [])
        counter.increment(by: 1)
        factory.destroyCounter(counter)

        #expect(lines("gone").isEmpty)
    }

    @Test func readingsAreTakenWhenSomebodyLooks() {
        registry.gauge("lag", help: "Entries behind.", labels: [("stream", "s")]) { 12 }
        registry.gauge("unknown", help: "Nobody knows.") { nil }

        #expect(lines(#"lag{stream="s"} 12"#).count == 1)
        #expect(lines("unknown ").isEmpty || lines("unknown").allSatisfy { $0.hasPrefix("#") })
    }

    @Test func processMetricsAreThere() {
        registry.addProcessMetrics()

        #expect(lines("process_cpu_seconds_total").count == 3)
        #if os(Linux)
            #expect(lines("process_resident_memory_bytes").count == 3)
        #endif
    }

    @Test func nothingIsLostWhenManyCountAtOnce() async {
        let factory = factory
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for index in 0..<5000 {
                        factory.makeCounter(label: "n", dimensions: [("task", "\(task % 2)")])
                            .increment(by: 1)
                        factory.makeFloatingPointCounter(label: "f", dimensions: [])
                            .increment(by: 0.5)
                        factory.makeTimer(label: "t", dimensions: [])
                            .recordNanoseconds(Int64(index))
                    }
                }
            }
        }

        #expect(lines("n_total{") == [#"n_total{task="0"} 20000"#, #"n_total{task="1"} 20000"#])
        #expect(lines("f_total 20000").count == 1)
        #expect(lines("t_seconds_count 40000").count == 1)
    }
}
