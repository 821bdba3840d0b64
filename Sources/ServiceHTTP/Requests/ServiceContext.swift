public import Hummingbird
public import NIOCore
public import Observability
import PlainText

/// What goes along with one request.
public struct ServiceContext: RequestContext {
    /// The framework's part.
    public var coreContext: CoreRequestContextStorage
    /// The request's name: the caller's `X-Request-Id`, or a new one.
    public internal(set) var requestID: RequestName
    /// This service's span in the caller's trace, or in a new one.
    ///
    /// Its `traceparent` is what calls and events made for this request carry.
    public internal(set) var trace: TraceContext
    /// The largest body that is read, in bytes.
    public internal(set) var bodySizeMaximum = 65_536

    /// The connection that the request came on.
    public let channel: any Channel

    /// A context with a new name and a new trace; the responder replaces both by the caller's.
    public init(source: ApplicationRequestContextSource) {
        self.coreContext = CoreRequestContextStorage(source: source)
        self.channel = source.channel
        self.requestID = RequestName()
        self.trace = TraceContext()
    }

    /// A parameter of the path, percent-decoded; nil if it is broken.
    ///
    /// Check what it holds.
    public func pathText(_ name: String) -> String? {
        parameters.get(name).flatMap { PercentEncoding.decode($0) }
    }

    /// An ID from the path, checked.
    ///
    /// Throws a 400 that names the parameter.
    public func pathID(_ name: String = "id") throws(Problem) -> String {
        // An ID needs no percent-encoding, but a client may encode what it likes.
        guard let identifier = pathText(name).flatMap(ResourceID.normal) else {
            throw .invalid([Problem.Fault(.parameter(name), ResourceID.rule)])
        }
        return identifier
    }
}
