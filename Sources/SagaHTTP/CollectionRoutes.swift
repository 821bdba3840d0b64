import HTTPTypes
import Hummingbird
import JSONText
public import Logging
import Observability
public import ServiceHTTP
import Timekeeping

/// A collection over HTTP.
///
///     GET   /users?limit=&after=     200, newest first
///     POST  /users                   201 + Location
///     GET   /users/{id}              200 + ETag | 304 | 404
///     PATCH /users/{id}              200 + ETag | 404 | 412, body as RFC 7396
public struct CollectionRoutes<Item: CollectionItem>: Sendable {
    typealias Entry = RecordCollection<Item>.Entry

    private let collection: RecordCollection<Item>

    /// The routes of that collection.
    public init(_ collection: RecordCollection<Item>) {
        self.collection = collection
    }

    /// The routes, ready to be served.
    public func router(logger: Logger) -> ServiceRouter {
        let (path, plural) = ("/" + Item.plural, Item.plural)
        let router = ServiceRouter(
            service: plural, logger: logger, problem: { Problem($0, reaching: "The \(plural)") })
        router.get(path) { request, _ in try await list(request) }
        router.post(path) { request, context in
            let item = try await request.readJSON(context) { Item($0) }
            let entry = try await collection.create(item)
            return entry.response(.created, [.location: "\(path)/\(entry.id)"])
        }
        router.get(path + "/{id}") { request, context in
            guard let entry = try await collection.entry(try context.pathID()) else {
                throw Self.missing
            }
            return request.hasCurrent(entry.tag) ? .notModified(entry.tag) : entry.response()
        }
        router.patch(path + "/{id}") { request, context in
            let id = try context.pathID()
            let change = try await request.readJSON(context, unknown: .refused) { Item.change($0) }
            let entry = try await collection.change(
                id, check: { try request.requireMatch(Entry.tag($0)) }, by: change)
            guard let entry else { throw Self.missing }
            return entry.response()
        }
        return router
    }

    private func list(_ request: Request) async throws -> Response {
        let page = try request.readQuery { Page($0) }
        if let last = page.after, try await collection.entry(last) == nil {
            throw Problem.invalid([
                Problem.Fault(.parameter("after"), "must be the ID of a \(Item.noun)")
            ])
        }
        // One more than asked for tells whether there is a next page.
        let found = try await collection.entries(after: page.after, limit: page.limit + 1)
        let entries = found.prefix(page.limit)
        let next = found.count > page.limit ? entries.last?.id : nil
        return .page(entries, next: next) { entry, json in entry.write(to: &json) }
    }

    private static var missing: Problem { .notFound("There is no such \(Item.noun).") }
}

extension RecordCollection.Entry {
    /// Each change makes a new version.
    fileprivate static func tag(_ version: Int) -> EntityTag { EntityTag("v\(version)") }

    fileprivate var tag: EntityTag { Self.tag(version) }

    fileprivate func response(
        _ status: HTTPResponse.Status = .ok, _ headers: HTTPFields = [:]
    ) -> Response {
        var headers = headers
        headers[.eTag] = tag.description
        return .json(status, headers: headers) { write(to: &$0) }
    }

    fileprivate func write(to json: inout JSONWriter) {
        json.set("id", id)
        item.write(to: &json)
        json.set("createdAt", createdAt.description)
        json.set("updatedAt", updatedAt.description)
    }
}
