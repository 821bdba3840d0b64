import PlainText
public import Saga
public import ServiceHTTP
import Timekeeping

/// A company's books over HTTP, as lists of what was done for us.
///
///     GET <path>?limit=100&after=<cursor>   {"items":[{key, createdAt, state}],"next"}
///     GET <path>/<key>                      {key, createdAt, state} | 404
///
/// `state` is `standing`, `final` or `undone`. Anything else is not an entry, but an error: who
/// cannot tell what stands must not conclude that nothing does.
public struct HTTPBooks: OutsideBooks {
    private let client: JSONClient
    private let path: String

    /// The books behind a path of the client's base address.
    public init(_ client: JSONClient, _ path: String) {
        self.client = client
        self.path = path
    }

    /// A page of them; also what is too old to matter, which is left to the reader.
    public func entries(after cursor: String?, since time: Int64) async throws -> OutsidePage {
        let after = cursor.map { "&after=\(PercentEncoding.encode($0))" } ?? ""
        let answer = try await client.get("\(path)?limit=\(Page.limitMaximum)\(after)")
        guard answer.status == 200 else { throw unexpected(answer) }
        let page = try answer.decode(PageAnswer.self)
        return OutsidePage(
            try page.items.map(entry).filter { $0.made >= time }, next: page.next)
    }

    /// One of them.
    public func entry(under key: String) async throws -> OutsideEntry? {
        let answer = try await client.get("\(path)/\(PercentEncoding.encode(key))")
        if answer.status == 404 { return nil }
        guard answer.status == 200 else { throw unexpected(answer) }
        return try entry(try answer.decode(EntryAnswer.self))
    }

    private func entry(_ answer: EntryAnswer) throws -> OutsideEntry {
        guard let made = Timestamp(answer.createdAt) else {
            throw CallError(.unreadable, "an entry of \(path) does not say when it was made")
        }
        return OutsideEntry(
            key: answer.key, made: made.milliseconds, standing: answer.state.standing)
    }

    private func unexpected(_ answer: JSONAnswer) -> CallError {
        CallError(.unexpected, "\(path) answered \(answer.status)")
    }
}

private struct PageAnswer: Decodable {
    var items: [EntryAnswer]
    var next: String?
}

private struct EntryAnswer: Decodable {
    enum State: String, Decodable {
        case standing, final, undone

        var standing: OutsideEntry.Standing {
            switch self {
            case .standing: .standing
            case .final: .final
            case .undone: .undone
            }
        }
    }

    var key: String
    var createdAt: String
    var state: State
}
