import Observability
import Testing

@Suite(.timeLimit(.minutes(1)))
struct TraceContextTests {
    private let valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    @Test func aValidHeaderIsReadInFull() throws {
        let context = try #require(TraceContext(traceparent: valid))

        #expect(context.traceID == "0af7651916cd43dd8448eb211c80319c")
        #expect(context.spanID == "b7ad6b7169203331")
        #expect(context.isSampled)
        #expect(context.traceparent == valid)
    }

    @Test func aChildKeepsTheTraceAndGetsASpanOfItsOwn() throws {
        let context = try #require(TraceContext(traceparent: valid))
        let child = context.child()

        #expect(child.traceID == context.traceID)
        #expect(child.spanID != context.spanID)
        #expect(child.isSampled == context.isSampled)
        #expect(TraceContext(traceparent: child.traceparent) == child)
    }

    @Test func newTracesDiffer() {
        let contexts = (0..<100).map { _ in TraceContext(sampled: false) }

        #expect(Set(contexts.map(\.traceID)).count == 100)
        #expect(contexts.allSatisfy { !$0.isSampled && $0.traceparent.hasSuffix("-00") })
        #expect(contexts.allSatisfy { TraceContext(traceparent: $0.traceparent) == $0 })
    }

    @Test func unknownFlagsAreNotPassedOn() {
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff"
        #expect(TraceContext(traceparent: text)?.traceparent == valid)
    }

    @Test func aLaterVersionIsReadAsFarAsItIsKnown() {
        let later = "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        #expect(TraceContext(traceparent: later)?.traceparent == valid)
        #expect(TraceContext(traceparent: later + "-what.the.future.brings") != nil)
        #expect(TraceContext(traceparent: later + "x") == nil)
    }

    @Test(arguments: [
        "", "00", "00-", "hello",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 ",
        " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
        "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x",
        "0x-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ])
    func whatTheStandardCallsInvalidIsRefused(text: String) {
        #expect(TraceContext(traceparent: text) == nil)
    }
}
