import Testing

@testable import Observability

@Suite(.timeLimit(.minutes(1)))
struct LogSinkTests {
    @Test func aReaderThatIsGoneCostsTheLineAlone() {
        let sink = LogSink(descriptor: -1)
        sink.write(Array("lost\n".utf8))
    }
}
