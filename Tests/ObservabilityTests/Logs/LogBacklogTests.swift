import Testing

@testable import Observability

@Suite(.timeLimit(.minutes(1)))
struct LogBacklogTests {
    /// A backlog of eight bytes, and what its writer took last.
    private struct Bench {
        var backlog = LogBacklog(byteLimit: 8)
        var batch: [UInt8] = []

        var text: String { String(decoding: batch, as: UTF8.self) }

        mutating func add(_ line: String) -> Bool { backlog.add(Array(line.utf8), .json) }

        mutating func take() -> LogBacklog.Gap? { backlog.take(into: &batch) }
    }

    @Test func oneWriterIsCalledForManyLines() {
        var bench = Bench()
        let calls = [bench.add("a\n"), bench.add("b\n")]
        let first = bench.take()
        let text = bench.text
        let second = bench.take()
        let later = bench.add("c\n")

        #expect(calls == [true, false])
        #expect(first == .init(lines: 0, format: .logfmt))
        #expect(text == "a\nb\n")
        #expect(second == nil)
        #expect(later, "the writer has gone")
    }

    @Test func whatIsMissingIsMissingInOnePlace() {
        var bench = Bench()
        for line in ["first\n", "too long\n", "x\n"] { _ = bench.add(line) }
        let first = bench.take()
        let taken = bench.text
        _ = bench.add("next\n")
        let second = bench.take()

        #expect(first == .init(lines: 2, format: .json))
        #expect(taken == "first\n", "a later line that would fit does not overtake a lost one")
        #expect(second?.lines == 0)
        #expect(bench.text == "next\n")
        #expect(bench.backlog.dropped == 2)
    }
}
