public import Observability

/// On whose behalf calls are made: a request or an event that is being answered.
///
/// ``JSONClient`` tells it to whom it calls, so that one trace leads through all services.
public struct CallOrigin: Sendable {
    /// The origin of this task and of those it starts; nil if there is none.
    ///
    /// ``ServiceRouter`` sets it for every request.
    @TaskLocal public static var current: CallOrigin?

    /// Where the cause stands in its trace.
    public var trace: TraceContext
    /// The name of the request, if it is one.
    public var requestID: RequestName?

    /// The origin of calls that answer a request.
    public init(trace: TraceContext, requestID: RequestName?) {
        self.trace = trace
        self.requestID = requestID
    }

    /// The origin of calls that answer an event; nil if it names no trace.
    public init?(traceparent: String?) {
        guard let trace = traceparent.flatMap({ TraceContext(traceparent: $0) }) else {
            return nil
        }
        self.init(trace: trace, requestID: nil)
    }
}
