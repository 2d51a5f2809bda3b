// The page that shows the API: Swagger UI over the OpenAPI document of this server.

const place = document.querySelector("#api");

window.SwaggerUIBundle({
  url: place.dataset.document,
  domNode: place,
  deepLinking: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
});
