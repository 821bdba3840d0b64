import Logging
import Observability
import Synchronization
import Testing
import Timekeeping

@Suite(.timeLimit(.minutes(1)))
struct LineLogHandlerTests {
    /// Keeps what was written, one element per write.
    final class Paper: Sendable {
        private let written = Mutex<[String]>([])

        var lines: [String] { written.withLock { $0 } }

        func logger(_ format: LogFormat, level: Logger.Level = .trace) -> Logger {
            var configuration = LogConfiguration()
            configuration.format = format
            configuration.level = level
            let sink = LogSink { line in
                self.written.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
            }
            return Logger(label: "orders") { label in
                LineLogHandler(label: label, configuration: configuration, sink: sink)
            }
        }
    }

    private let paper = Paper()

    /// The only line, without its time and its line feed.
    private func onlyLine() throws -> String {
        try #require(paper.lines.count == 1)
        let line = try #require(paper.lines.first)
        #expect(line.filter { $0 == "\n" }.count == 1)
        #expect(line.hasSuffix("\n"))
        let start = line.hasPrefix("{") ? "{\"time\":\"" : "time="
        let time = line.dropFirst(start.count).prefix(24)
        #expect(Timestamp(String(time)) != nil, "the time is RFC 3339 in UTC with milliseconds")
        return String(line.dropFirst(start.count + 24 + (line.hasPrefix("{") ? 2 : 1)).dropLast())
    }

    @Test func logfmtIsReadableByEye() throws {
        paper.logger(.logfmt).info(
            "Order placed.", metadata: ["order": "42", "empty": "", "sum": "a=b"])

        #expect(
            try onlyLine()
                == #"level=info logger=orders message="Order placed." empty="" order=42 sum="a=b""#)
    }

    @Test func jsonKeepsStructure() throws {
        paper.logger(.json).warning(
            "Slow.",
            metadata: [
                "count": .stringConvertible(3), "tags": ["a", "b"], "who": ["id": "7", "n": "x"],
            ])

        #expect(
            try onlyLine()
                == #""level":"warning","logger":"orders","message":"Slow.","#
                + #""count":3,"tags":["a","b"],"who":{"id":"7","n":"x"}}"#)
    }

    @Test func numbersAreNumbersInJSON() throws {
        paper.logger(.json).info(
            "Answered.",
            metadata: [
                "duration_us": .stringConvertible(Int64(12)),
                "port": .stringConvertible(UInt16(80)),
                "share": .stringConvertible(0.5), "done": .stringConvertible(true),
                "not_a_number": .stringConvertible(Double.nan),
            ])

        #expect(
            try onlyLine().hasSuffix(
                #""done":true,"duration_us":12,"not_a_number":"nan","port":80,"share":0.5}"#))
    }

    @Test(arguments: LogFormat.allCases)
    func separatorsAndC1ControlsAreEscaped(format: LogFormat) throws {
        paper.logger(format).info(
            "text", metadata: ["a": "1\u{85}2\u{9B}3\u{2028}4\u{2029}5", "b": "Zürich…€😀"])

        let line = try onlyLine()
        #expect(line.contains(#"1\u00852\u009b3\u20284\u20295"#))
        #expect(line.contains("Zürich…€😀"))
    }

    @Test(arguments: LogFormat.allCases)
    func secretsInQueriesAreTakenOut(format: LogFormat) throws {
        let canary = "s3cr3t"
        let query =
            "/r?api_key=\(canary)&page=2&access_token=\(canary)%20x"
            + "&Password=\(canary)&sig=\(canary)"
        paper.logger(format).info(
            "GET \(query)", metadata: ["path": "\(query)", "other": "/k?monkey=1&keys=2"])

        let line = try onlyLine()
        #expect(!line.contains(canary))
        #expect(line.contains("?api_key=[redacted]&page=2&access_token=[redacted]&Password="))
        #expect(line.contains("/k?monkey=1&keys=2"))
    }

    @Test(arguments: LogFormat.allCases)
    func noInputCanForgeALine(format: LogFormat) throws {
        let evil = "a\"\r\nlevel=error message=forged \u{1B}[31m\u{0} \\"
        paper.logger(format).info("\(evil)", metadata: ["\(evil)": "\(evil)"])

        let line = try onlyLine()
        #expect(!line.utf8.contains { $0 < 0x20 || $0 == 0x7F })
        #expect(line.contains(#"a\"\r\nlevel=error message=forged \u001b[31m\u0000 \\"#))
    }

    @Test(arguments: LogFormat.allCases)
    func secretsAreTakenOut(format: LogFormat) throws {
        let canary = "s3cr3t-canary"
        paper.logger(format).error(
            "Cannot reach redis://admin:\(canary)@host:6379/0 nor http://x/a@b.",
            metadata: [
                "Authorization": "Bearer \(canary)", "set-cookie": "\(canary)",
                "payment": ["token": "\(canary)", "amount": "5"], "redis_password": "\(canary)",
                "url": "rediss://:\(canary)@host", "list": ["https://u:\(canary)@h/p?q=1"],
            ])

        let line = try onlyLine()
        #expect(!line.contains(canary))
        #expect(line.contains("redis://[redacted]@host:6379/0 nor http://x/a@b."))
        #expect(line.contains("https://[redacted]@h/p?q=1"))
    }

    @Test func metadataCannotReplaceTheFieldsOfEveryLine() throws {
        paper.logger(.logfmt).info("m", metadata: ["level": "error", "time": "never"])

        #expect(
            try onlyLine()
                == "level=info logger=orders message=m metadata.level=error metadata.time=never")
    }

    @Test func errorInMetadataIsTheLinesError() throws {
        paper.logger(.logfmt).warning("m", metadata: ["error": "why"])

        #expect(try onlyLine() == "level=warning logger=orders message=m error=why")
    }

    @Test func errorInMetadataStandsBesideAnErrorOfTheLine() throws {
        paper.logger(.logfmt).error("m", error: CancellationError(), metadata: ["error": "why"])

        #expect(try onlyLine().hasSuffix("error=CancellationError() metadata.error=why"))
    }

    @Test func newerMetadataWins() throws {
        var logger = paper.logger(.logfmt)
        logger[metadataKey: "a"] = "logger"
        logger[metadataKey: "b"] = "logger"
        logger.info("m", metadata: ["b": "event"])

        #expect(try onlyLine().hasSuffix("a=logger b=event"))
    }

    @Test func lowerLevelsAreNotWritten() {
        let logger = paper.logger(.logfmt, level: .warning)
        logger.info("quiet")
        logger.warning("loud")

        #expect(paper.lines.count == 1)
    }
}
