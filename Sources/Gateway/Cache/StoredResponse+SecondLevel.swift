import NIOCore
import NIOHTTP1
import Timekeeping

extension StoredResponse {
    /// An entry read from the second level just now.
    convenience init(_ entry: SecondLevelEntry, at now: Moment) {
        let rendering = RenderedResponse(
            status: entry.status, head: entry.head, notModifiedHead: entry.notModifiedHead,
            body: entry.body, entityTag: entry.entityTag, lastModified: entry.lastModified)
        let guards = entry.generations.values.map {
            TagGuard(tag: $0.key, generation: $0.value.number)
        }
        self.init(
            rendering: rendering, guards: guards, born: now - entry.age,
            expires: now + entry.lifetime)
    }

    /// The answer to `only-if-cached` when nothing is kept (RFC 9111 section 5.2.1.7).
    static func gatewayTimeout(at now: Moment) -> StoredResponse {
        let body =
            #"{"type":"about:blank","title":"Gateway Timeout","status":504,"code":"not_cached","#
            + #""detail":"Nothing is kept here, and the request wants nothing else."}"#
        let fetched = FetchedResponse(
            status: 504, fields: ["Content-Type": "application/problem+json"],
            body: ByteBuffer(string: body))
        let rendering = RenderedResponse(
            fetched, isKept: false, wallSeconds: SystemTime.seconds())
        return StoredResponse(rendering: rendering, guards: [], born: now, expires: now)
    }
}

extension SecondLevelEntry {
    /// An answer on its way to the second level, with the generations its fill saw.
    init(_ response: StoredResponse, _ generations: Generations, at now: Moment) {
        self.init(
            status: response.status, head: response.head,
            notModifiedHead: response.notModifiedHead, body: response.body,
            entityTag: response.entityTag, lastModified: response.lastModified,
            age: now - response.born, lifetime: response.expires - now, generations: generations)
    }
}
