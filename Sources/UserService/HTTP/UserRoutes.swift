import HTTPTypes
import Hummingbird
import Logging
import Observability
import Saga
import ServiceHTTP

/// The user service over HTTP.
///
///     GET   /users?limit=&after=     200, newest first
///     POST  /users                   201 + Location
///     GET   /users/{id}              200 + ETag | 304 | 404
///     PATCH /users/{id}              200 + ETag | 404 | 412, body as RFC 7396
struct UserRoutes {
    let store: UserDirectory

    func router(logger: Logger) -> ServiceRouter {
        let router = ServiceRouter(
            service: "users", logger: logger, problem: { ($0 as? SagaError).flatMap(Problem.init) })
        router.get("/users") { request, _ in try await list(request) }
        router.post("/users") { request, context in
            let draft = try await request.readJSON(context) { User.Draft($0) }
            let user = try await store.create(draft)
            return user.response(.created, [.location: "/users/\(user.id)"])
        }
        router.get("/users/{id}") { request, context in
            guard let user = try await store.user(try context.pathID()) else {
                throw Problem.missing
            }
            return request.hasCurrent(user.tag) ? .notModified(user.tag) : user.response()
        }
        router.patch("/users/{id}") { request, context in
            let id = try context.pathID()
            let change = try await request.readJSON(context, unknown: .refused) {
                User.Change($0)
            }
            let user = try await store.change(id, by: change) { version in
                try request.requireMatch(User.tag(version))
            }
            guard let user else { throw Problem.missing }
            return user.response()
        }
        return router
    }

    private func list(_ request: Request) async throws -> Response {
        let page = try request.readQuery { Page($0) }
        if let last = page.after, try await store.user(last) == nil {
            throw Problem.invalid([Problem.Fault(.parameter("after"), "must be a user's ID")])
        }
        // One more than asked for tells whether there is a next page.
        let found = try await store.users(after: page.after, limit: page.limit + 1)
        let users = found.prefix(page.limit)
        let next = found.count > page.limit ? users.last?.id : nil
        return .page(users, next: next) { user, json in user.write(to: &json) }
    }
}

extension User {
    /// Each change of a user makes a new version.
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
        json.set("name", name)
        json.set("email", email)
        json.set("createdAt", createdAt.description)
        json.set("updatedAt", updatedAt.description)
    }
}

extension User.Draft {
    fileprivate init(_ fields: FieldReader) {
        self.init(name: fields.string("name"), email: fields.email("email"))
    }
}

extension User.Change {
    fileprivate init(_ fields: FieldReader) {
        self.init(
            name: fields.optionalString("name"),
            email: fields.has("email") ? fields.email("email") : nil)
    }
}

extension FieldReader {
    /// An address that can be written to: one `@`, something before it, a domain behind it.
    fileprivate func email(_ name: String) -> String {
        let text = string(name, length: 3...254)
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        let isAddress =
            parts.count == 2 && !parts[0].isEmpty && parts[1].contains(".")
            && !parts[1].hasPrefix(".") && !parts[1].hasSuffix(".")
            && !text.contains(where: \.isWhitespace)
        if !isAddress, !text.isEmpty { report(name, "must be an e-mail address") }
        return text
    }
}

extension Problem {
    fileprivate static let missing = Problem.notFound("There is no such user.")

    /// Only what may pass by itself is worth saying; the rest is internal.
    fileprivate init?(_ error: SagaError) {
        guard error.retry == .later else { return nil }
        self = .unavailable("The users cannot be reached now.", cause: error)
    }
}
